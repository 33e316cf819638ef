"""What policies decide by: the names of columns in artifacts, and the reader's words for them.

Programs read the English names; tags are named in routing/features.
"""

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from routing.words.tag import WORDS as TAG_WORDS

LENGTH_GAP = "length gap"
DISAGREE = "judges disagree"
SILENT = "no judge prefers one"  # 1 where there is no label of a judge to be had
ALWAYS = "always to people"  # the rules of a policy's form
EXPERTS = "always to experts"
STRATUM = "stratum: "  # before the name of a task's stratum, where a rule goes by it

WORDS: dict[str, str | Promise] = {
    LENGTH_GAP: _("length gap"),
    DISAGREE: _("judges disagree"),
    SILENT: _("no judge prefers one"),
    ALWAYS: _("always to people"),
    EXPERTS: _("always to experts"),
    "stratum": _("stratum"),
    "middle": pgettext_lazy("third of a score", "middle"),
    "bertscore": _("alike by BERTScore"),
    "bertscore_length": _("alike by BERTScore and length"),
    "rouge_l": _("alike by ROUGE-L"),
    "cosine": _("cosine of the embeddings"),
    "entities": _("the same names and numbers"),
    "token_difference": _("difference of the lengths"),
    "prompt_length": _("length of the prompt"),
    "shorter_length": _("length of the shorter response"),
    "longer_length": _("length of the longer response"),
    **TAG_WORDS,
}
# What stands before and after a name, such as a judge's.
AROUND: Sequence[tuple[str, str, str | Promise]] = (
    ("", " unknown", _("%(name)s unknown")),
    ("1 - ", "", _("1 − %(name)s")),
    ("", " is sure", _("%(name)s is sure")),
    ("", " contradicts itself", _("%(name)s contradicts itself")),
    ("", "’s choice is longer", _("%(name)s’s choice is longer")),
    ("", "’s members are apart", _("%(name)s’s members are apart")),
)


def signals_of_judge(judge: str) -> list[str]:
    """The names of the four columns that a judge's answers fill."""
    return [
        f"{judge} is sure",
        f"{judge} contradicts itself",
        f"{judge}’s choice is longer",
        f"{judge}’s members are apart",
    ]


def column_word(name: str) -> str:
    """Of a column, a tag ("safety: low"), or a rule; as it is where it is neither."""
    if name in WORDS:
        return str(WORDS[name])
    for before, after, words in AROUND:
        if name.startswith(before) and name.endswith(after):
            inner = name.removeprefix(before).removesuffix(after)
            return str(words) % {"name": column_word(inner)}
    return ": ".join(str(WORDS.get(part, part)) for part in name.split(": "))
