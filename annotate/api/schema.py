"""The shapes of requests and answers, for the OpenAPI document alone.

Requests are checked by the services (annotate/inputs.py), answers are plain dictionaries.
"""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers as s

from annotate.models import Membership
from annotate.models import Project as ProjectRow
from annotate.models import Skip as SkipRow
from annotate.models import Task as TaskRow


class TokenScheme(OpenApiAuthenticationExtension):
    """Tells the document how programs sign in."""

    target_class = "annotate.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <secret>`; made by `manage.py token USER --scopes …`.",
        }


class Form(s.Serializer):
    id = s.IntegerField(allow_null=True, help_text="The version; send it along with the answer.")
    kind = s.CharField()
    settings = s.DictField()


class Turn(s.Serializer):
    role = s.CharField()
    content = s.CharField()


class Passage(s.Serializer):
    title = s.CharField()
    sentences = s.ListField(child=s.CharField())


class ShownPrompt(s.Serializer):
    system = s.CharField()
    conversation = Turn(many=True)
    language = s.CharField()
    passages = Passage(many=True)


class ShownResponse(s.Serializer):
    id = s.IntegerField()
    content = s.ListField(child=s.DictField(), help_text='Such as {"type": "text", "text": "…"}.')


class SuggestedMarks(s.Serializer):
    id = s.IntegerField()
    judge = s.CharField(help_text="Name and version.")
    marks = s.ListField(
        child=s.DictField(),
        help_text="As an answer's marks, with `mark`, the place in the judge's list. None: the "
        "judge found no error.",
    )


class Lease(s.Serializer):
    seat = s.IntegerField()
    task = s.IntegerField()
    project = s.IntegerField()
    lease_until = s.DateTimeField()
    prompt = ShownPrompt()
    responses = ShownResponse(many=True, help_text="In the order in which to show them.")
    context = s.DictField(help_text="What the task says beside its prompt, such as a criterion.")
    form = Form()
    suggestions = SuggestedMarks(
        many=True, help_text="What AI judges marked, where the project shows it; docs/judges.md."
    )
    draft = s.JSONField(allow_null=True)
    returned = s.IntegerField(
        allow_null=True, help_text="A judgement of the caller's that a reviewer sent back."
    )


class AnswerBase(s.Serializer):
    value = s.DictField(
        help_text='Pairwise: `{"verdict": "prefer", "preferred": <response id>, "strength": 1}`, '
        'or a `verdict` of `"tie"`, `"both_good"` or `"both_bad"`, as the project offers them.'
    )
    rationale = s.CharField(required=False)
    flag = s.CharField(required=False, help_text="What a manager should see.")
    seconds_active = s.FloatField(required=False, min_value=0, max_value=86400)
    idempotency_key = s.CharField(
        required=False,
        max_length=100,
        help_text="With a key an answer may be sent again and counts once; with another answer "
        "under the same key it is refused (409).",
    )


class Answer(AnswerBase):
    form = s.IntegerField(
        required=False, help_text="The form's id from `next`; the project's present one without."
    )
    started_at = s.DateTimeField(required=False)


class Revision(AnswerBase):
    reason = s.CharField(required=False)


class Judgement(s.Serializer):
    id = s.IntegerField()
    task = s.IntegerField()
    seat = s.IntegerField(allow_null=True)
    form = s.IntegerField(allow_null=True, help_text="The version that the answer was given under.")
    value = s.DictField()
    rationale = s.CharField()
    flag = s.CharField()
    late = s.BooleanField()
    supersedes = s.IntegerField(allow_null=True)
    submitted_at = s.DateTimeField()


class SkipRequest(s.Serializer):
    reason = s.ChoiceField(SkipRow.Reason.choices)
    note = s.CharField(required=False)


class Skip(s.Serializer):
    task = s.IntegerField()
    seat = s.IntegerField()
    reason = s.CharField()


class Renewed(s.Serializer):
    seat = s.IntegerField()
    lease_until = s.DateTimeField()


class DraftRequest(s.Serializer):
    value = s.JSONField()


class ProjectChange(s.Serializer):
    name = s.CharField(required=False, max_length=200)
    description = s.CharField(required=False)
    guidelines = s.CharField(required=False)
    kind = s.CharField(required=False)
    kind_settings = s.DictField(required=False)
    overlap = s.IntegerField(required=False, min_value=1, max_value=100)
    overlap_most = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=100,
        help_text="How many people may judge a task whose answers differ; null: none but "
        "`overlap`.",
    )
    overlap_threshold = s.FloatField(
        required=False,
        allow_null=True,
        help_text="How sure it must be, above 0 and below 1, that most people would say so; null: "
        "once nobody who may still be asked can change which answer leads.",
    )
    lease_seconds = s.IntegerField(required=False, min_value=10, max_value=604800)
    order = s.ChoiceField(ProjectRow.Order.choices, required=False)
    state = s.ChoiceField(ProjectRow.State.choices, required=False)
    board_readers = s.ChoiceField(ProjectRow.BoardReaders.choices, required=False)
    review_percent = s.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Share of people's answers that a reviewer must accept before they are final.",
    )
    review_names = s.ChoiceField(
        ProjectRow.ReviewNames.choices,
        required=False,
        help_text="How reviewers see whose answer it is.",
    )
    seed = s.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    test_percent = s.IntegerField(required=False, min_value=0, max_value=50)
    license = s.CharField(
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="Of the project's data, as SPDX writes it: `CC-BY-4.0`; empty: not stated. It "
        "stands in the data cards of snapshots.",
    )
    own_figures = s.BooleanField(
        required=False, help_text="Whether annotators see their own figures of quality."
    )


class NewProject(ProjectChange):
    name = s.CharField(max_length=200)


class Project(NewProject):
    id = s.IntegerField()
    role = s.CharField(allow_null=True, help_text="The caller's; null for a superuser.")
    created_at = s.DateTimeField()


class ProjectPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Project(many=True)


class MemberFields(s.Serializer):
    tier = s.ChoiceField(Membership.Tier.choices, required=False)
    languages = s.ListField(
        child=s.CharField(max_length=35),
        required=False,
        help_text='BCP 47 tags that the person reads, such as `["en", "pt-BR"]`.',
    )
    skills = s.ListField(
        child=s.CharField(max_length=40),
        required=False,
        help_text='Short names, kept in small letters: `["chemistry"]`.',
    )
    team = s.CharField(
        required=False, allow_null=True, help_text="A team of the project, by name; null: none."
    )


class MemberRequest(MemberFields):
    user = s.CharField(help_text="The user name.")
    role = s.ChoiceField(Membership.Role.choices)


class MemberChange(MemberFields):
    role = s.ChoiceField(Membership.Role.choices, required=False)


class Member(s.Serializer):
    id = s.IntegerField()
    user = s.CharField()
    pseudonym = s.CharField()
    role = s.CharField()
    tier = s.CharField()
    languages = s.ListField(child=s.CharField())
    skills = s.ListField(child=s.CharField())
    team = s.CharField(allow_null=True, help_text="Its name.")
    simulated = s.BooleanField()
    done = s.IntegerField(help_text="Tasks judged.")


class MemberPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Member(many=True)


class TeamRequest(s.Serializer):
    name = s.CharField(max_length=80)


class Team(TeamRequest):
    id = s.IntegerField()
    members = s.IntegerField()


class TeamPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Team(many=True)


class NewInvitation(s.Serializer):
    role = s.ChoiceField(
        ["annotator", "reviewer", "manager"], required=False, help_text="annotator without."
    )
    tier = s.ChoiceField(Membership.Tier.choices, required=False)
    team = s.CharField(required=False, allow_null=True, help_text="By name.")
    max_uses = s.IntegerField(required=False, min_value=1, max_value=10_000, help_text="1 without.")
    days = s.IntegerField(
        required=False, min_value=1, max_value=365, help_text="How long it is good; 14 without."
    )
    note = s.CharField(required=False, max_length=200, help_text="Whom it is for.")


class Invitation(s.Serializer):
    id = s.IntegerField()
    link = s.CharField(allow_null=True, help_text="What to hand out; null once it is over.")
    state = s.ChoiceField(["open", "used", "expired", "revoked"])
    role = s.CharField()
    tier = s.CharField()
    team = s.CharField(allow_null=True)
    max_uses = s.IntegerField()
    uses = s.IntegerField()
    note = s.CharField()
    expires_at = s.DateTimeField()
    created_at = s.DateTimeField()


class InvitationPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Invitation(many=True)


class TaskSummary(s.Serializer):
    id = s.IntegerField()
    prompt = s.IntegerField()
    overlap = s.IntegerField()
    priority = s.IntegerField()
    stratum = s.CharField()
    skills = s.ListField(child=s.CharField())
    route = s.ChoiceField(TaskRow.Route.choices)
    created_at = s.DateTimeField()


class TaskChange(s.Serializer):
    skills = s.ListField(child=s.CharField(max_length=40), max_length=50)


class TaskPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = TaskSummary(many=True)


class SeatSummary(s.Serializer):
    id = s.IntegerField()
    number = s.IntegerField()
    state = s.CharField()
    annotator = s.CharField(allow_null=True, help_text="Pseudonym.")
    lease_until = s.DateTimeField(allow_null=True)


class TaskResponse(ShownResponse):
    generator = s.CharField()
    generator_version = s.CharField()


class Task(TaskSummary):
    prompt = ShownPrompt()
    context = s.DictField()
    responses = TaskResponse(many=True)
    gold = s.JSONField(allow_null=True)
    seats = SeatSummary(many=True)


class Left(s.Serializer):
    languages = s.DictField(child=s.IntegerField(), help_text="Open tasks by language.")
    skills = s.DictField(child=s.IntegerField(), help_text="By the skills that lack.")
    experts = s.IntegerField(help_text="For members of the tier expert alone.")
    own_texts = s.IntegerField(help_text="That hold texts of the caller.")


class Progress(s.Serializer):
    tasks = s.IntegerField()
    tasks_complete = s.IntegerField(help_text="Every wanted judgement is there.")
    seats = s.DictField(child=s.IntegerField(), help_text="Count by state.")
    judgements = s.DictField(child=s.IntegerField(), help_text="Labels, by source.")
    skips = s.IntegerField()
    labels_saved = s.IntegerField(
        allow_null=True,
        help_text="Against asking `overlap_most` people about every finished task; null where the "
        "overlap is fixed.",
    )
    mine = s.IntegerField(help_text="Tasks the caller judged.")


class Agreement(s.Serializer):
    tasks = s.IntegerField(help_text="With two or more judgements by people.")
    judgements = s.IntegerField(help_text="Of those tasks.")
    percent_agreement = s.FloatField(
        allow_null=True,
        help_text="Share of equal pairs, 0 … 1; of kinds other than pairwise 1 minus the mean "
        "distance, among the latest 20,000 judgements.",
    )
    krippendorff_alpha = s.FloatField(
        allow_null=True, help_text="Nominal; of spans over characters; null if undefined."
    )
    labels = s.DictField(child=s.IntegerField(), help_text="Of pairwise projects.")


class FieldError(s.Serializer):
    field = s.CharField(help_text="A path such as `value.preferred`; empty for the whole body.")
    message = s.CharField()


class Problem(s.Serializer):
    """Every error, as RFC 9457 has it."""

    type = s.CharField()
    title = s.CharField()
    status = s.IntegerField()
    detail = s.CharField(help_text="What is wrong and what to do.")
    errors = FieldError(many=True, required=False)
