"""All export formats by name: of preferences, of judgements, of marked spans, and raw rows."""

from collections.abc import Iterable

from annotate.interchange import hh, raw, trl
from annotate.interchange.fine_grained_exports import FINE_GRAINED_EXPORTS
from annotate.interchange.formats import ExportFormat, Rows, UnknownFormat
from annotate.interchange.preferences import Preference
from annotate.interchange.sets.arena import TO_ARENA
from annotate.interchange.sets.helpsteer import TO_HELPSTEER
from annotate.interchange.sets.helpsteer2_preference import TO_HELPSTEER2_PREFERENCE
from annotate.interchange.sets.helpsteer3 import TO_HELPSTEER3
from annotate.interchange.sets.label_studio import TO_LABEL_STUDIO
from annotate.interchange.sets.multipref import TO_MULTIPREF
from annotate.interchange.sets.ranked import TO_RANKED
from annotate.interchange.sets.rlhf_v import TO_RLHF_V
from annotate.interchange.sets.ultrafeedback import TO_ULTRAFEEDBACK
from annotate.interchange.sets.web_annotation import WEB_ANNOTATION
from annotate.interchange.signal_rows import SIGNAL_EXPORTS
from annotate.interchange.trainers.axolotl import AXOLOTL
from annotate.interchange.trainers.llama_factory import LLAMA_FACTORY, LLAMA_FACTORY_KTO
from annotate.interchange.trainers.openai import OPENAI
from annotate.interchange.trainers.openrlhf import OPENRLHF
from annotate.interchange.trainers.rewardbench import REWARDBENCH
from annotate.interchange.trainers.trl_implicit import TRL_IMPLICIT
from annotate.interchange.trainers.trl_prompts import TRL_PROMPTS
from annotate.interchange.trainers.trl_stepwise import TRL_STEPWISE
from annotate.interchange.trainers.trl_unpaired import TRL_UNPAIRED
from annotate.interchange.trainers.ultrafeedback_binarized import ULTRAFEEDBACK_BINARIZED
from annotate.interchange.trainers.verl import VERL

EXPORT_FORMATS: dict[str, ExportFormat] = {
    f.name: f
    for f in (
        trl.TRL_PLAIN,
        trl.TRL_CONVERSATIONAL,
        TRL_IMPLICIT,
        TRL_UNPAIRED,
        TRL_STEPWISE,
        hh.HH_TRANSCRIPTS,
        OPENRLHF,
        LLAMA_FACTORY,
        LLAMA_FACTORY_KTO,
        AXOLOTL,
        VERL,
        OPENAI,
        REWARDBENCH,
        ULTRAFEEDBACK_BINARIZED,
        TO_ARENA,
        TO_HELPSTEER,
        TO_HELPSTEER2_PREFERENCE,
        TO_HELPSTEER3,
        TO_LABEL_STUDIO,
        TO_MULTIPREF,
        TO_RANKED,
        TO_ULTRAFEEDBACK,
        *FINE_GRAINED_EXPORTS,
        TO_RLHF_V,
        WEB_ANNOTATION,
        *SIGNAL_EXPORTS,
        TRL_PROMPTS,
        raw.RAW,
    )
}


def get_export_format(name: str) -> ExportFormat:
    """Raises UnknownFormat naming the formats there are."""
    try:
        return EXPORT_FORMATS[name]
    except KeyError:
        known = ", ".join(EXPORT_FORMATS)
        raise UnknownFormat(
            "There is no export format {name!r}. Known: {known}.", name=name, known=known
        ) from None


def fitting_formats(
    *, pairs: bool, spans: bool, kinds: Iterable[str], signals: bool = False
) -> list[str]:
    """The names of those that fit a project that asks these `kinds`, whose answers hold
    preferences, or marked spans; `signals`: whether it has any.
    """
    asked = set(kinds)
    return [
        one.name
        for one in EXPORT_FORMATS.values()
        if (
            signals
            if one.write_signal
            else pairs
            if one.write
            else spans
            if one.of_spans
            else not one.kinds or not asked.isdisjoint(one.kinds)
        )
    ]


def write_preference(
    row: Preference,
    format: ExportFormat,
    *,
    weight: bool,
    margin: bool,
    tie: bool = False,
    posterior: bool = False,
) -> Rows:
    assert format.write is not None
    for columns in format.write(row):
        if weight:
            columns["weight"] = row.weight
        if margin:
            columns["margin"] = round(row.margin, 6)
        if tie:
            columns["tie"] = row.tie
        if posterior:
            columns["posterior"] = row.posterior
        yield columns


class FirstOfPrompts:
    """Lets the first of every prompt pass, and remembers a prompt in one bit."""

    PAGE = 1 << 15

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def __call__(self, prompt_id: int) -> bool:
        page, place = divmod(prompt_id, self.PAGE)
        bits = self._pages.setdefault(page, bytearray(self.PAGE // 8))
        byte, bit = place >> 3, 1 << (place & 7)
        seen = bits[byte] & bit
        bits[byte] |= bit
        return not seen


def columns_of(
    format: ExportFormat,
    *,
    weight: bool,
    margin: bool,
    tie: bool = False,
    posterior: bool = False,
) -> dict[str, str]:
    """All that its rows may have under these options."""
    more = {"weight": "number"} if weight else {}
    more |= {"margin": "number"} if margin else {}
    more |= {"tie": "flag"} if tie else {}
    more |= {"posterior": "number"} if posterior else {}
    return {**format.columns, **more}
