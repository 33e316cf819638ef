"""Which votes a new leaderboard counts, and how, as a form."""

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import InvalidValue
from annotate.models import Project
from annotate.pages.exports import SIMULATED, SOURCES
from annotate.pages.reasons import in_words
from annotate.ranking.style import STYLES
from annotate.reports.boards import STYLE_WORDS
from annotate.services.reports.board_rules import METADATA, BoardRules
from annotate.services.reports.profile_groups import group_questions

GROUPS = {
    "all": _("everybody"),
    "annotators": _("annotators"),
    "reviewers": _("reviewers, managers and owners"),
}
TIES = {
    "davidson": _("an answer of their own (Davidson)"),
    "halves": _("half a win for each"),
}
INTERVALS = {
    "auto": _("people, or prompts where only one person voted"),
    "people": _("people"),
    "prompts": _("prompts"),
}
BY = {
    "": _("none"),
    "language": _("language of the prompt"),
    "taxonomy": _("topic of the prompt"),
    "stratum": _("stratum of the task"),
    "criterion": _("criterion of the answer"),
    "metadata": _("an entry of the prompt’s metadata"),
}


class BoardForm(forms.Form):
    """Every field stands at what BoardRules takes for granted."""

    source = forms.ChoiceField(
        choices=SOURCES.items(), initial="people", label=_("Votes by"), required=False
    )
    simulated = forms.ChoiceField(
        choices=SIMULATED.items(), initial="exclude", label=_("Simulated people"), required=False
    )
    group = forms.ChoiceField(
        choices=GROUPS.items(),
        label=_("Group"),
        required=False,
        help_text=_("By their role in the project now."),
    )
    team = forms.ChoiceField(label=_("Team"), required=False)
    profile = forms.ChoiceField(
        label=_("People who told of themselves"),
        required=False,
        help_text=_("Only of people who agreed to it; with everybody, all prompts and no team."),
    )
    by = forms.ChoiceField(choices=BY.items(), label=_("Categories"), required=False)
    key = forms.CharField(
        max_length=100,
        required=False,
        label=_("Entry of the metadata"),
        help_text=_("Its name, for categories by metadata."),
    )
    style = forms.MultipleChoiceField(
        choices=STYLE_WORDS.items(),
        initial=STYLES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Style that a second board takes out"),
    )
    ties = forms.ChoiceField(choices=TIES.items(), label=_("Ties are"), required=False)
    most = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label=_("Votes of one person that count at most"),
        help_text=_("Empty: all of them. With more, each counts for less."),
    )
    intervals = forms.ChoiceField(
        choices=INTERVALS.items(),
        label=_("Intervals"),
        required=False,
        help_text=_("What is taken as drawn at random."),
    )

    def __init__(self, *given: object, project: Project, **named: object) -> None:
        """Teams are asked for where the project has some."""
        super().__init__(*given, **named)
        teams = list(project.teams.order_by("name").values_list("name", flat=True))
        if teams:
            self.fields["team"].choices = [("", _("all teams")), *((name, name) for name in teams)]
        else:
            del self.fields["team"]
        questions = group_questions(project)
        if questions:
            self.fields["profile"].choices = [
                ("", _("anything or nothing")),
                *(
                    (one.title, [(f"{one.name}:{choice}", choice) for choice in one.choices])
                    for one in questions
                ),
            ]
        else:
            del self.fields["profile"]

    def rules(self) -> BoardRules | None:
        """None where something is refused, which then stands at its field."""
        if not self.is_valid():
            return None
        given = {name: value for name, value in self.cleaned_data.items() if value or name == "by"}
        key = given.pop("key", "")
        if given["by"] == "metadata":
            given["by"] = f"{METADATA}{key}"
        given.setdefault("style", [])
        if profile := given.pop("profile", ""):
            given["question"], _colon, given["answer"] = profile.partition(":")
        try:
            return BoardRules.clean(given)
        except InvalidValue as error:
            self.refuse(error)
            return None

    def refuse(self, error: InvalidValue) -> None:
        """Put it at its field."""
        places = {"question": "profile", "answer": "profile"}
        name = error.field.split(".")[0]
        if name == "by" and self.cleaned_data.get("by") == "metadata":
            name = "key"
        field = places.get(name, name)
        self.add_error(field if field in self.fields else None, in_words(error))


def rules_in_words(rules: BoardRules) -> list[tuple[str, str]]:
    """Name and value of each rule."""
    key = rules.metadata_key
    by = BY["metadata" if key is not None else rules.by]
    return [
        (_("Votes by"), SOURCES[rules.source]),
        (_("Simulated people"), SIMULATED[rules.simulated]),
        (_("Group"), GROUPS[rules.group]),
        *([(_("Team"), rules.team)] if rules.team else []),
        *([(rules.question, rules.answer)] if rules.question else []),
        (_("Categories"), f"{by}: {key}" if key is not None else by),
        (_("Ties are"), TIES[rules.ties]),
        (_("Votes of one person that count at most"), rules.most or "–"),
        (_("Intervals"), INTERVALS[rules.intervals]),
        (
            _("Style that a second board takes out"),
            ", ".join(str(STYLE_WORDS[one]) for one in rules.style) or "–",
        ),
    ]


def chosen_in_words(rules: BoardRules) -> list[tuple[str, str]]:
    """Name and value of each rule that is not taken for granted: what tells boards apart."""
    granted = rules_in_words(BoardRules())
    return [one for one in rules_in_words(rules) if one not in granted]
