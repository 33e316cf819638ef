"""REST for the tags of prompts: whose answer counts, corrections by people and their history."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import BIGINT_MAX, clean_choice, clean_integer
from annotate.models import Prompt
from routing.features.subjects import SUBJECTS
from routing.features.tag_answers import MOST_SUBJECTS
from routing.features.tagger import COMPLEXITY, EXPERTISE, OPEN_ENDEDNESS, PROMPT_TAGS, SAFETY
from routing.models import TagCorrection
from routing.reports.tag import SET_BY, filter_prompts, tagged, tagger_standing
from routing.services.tagging import correct_tags, tagger_in_use, withdraw_correction
from routing.services.tagging_runs import choose_tagger

TAGS_EXAMPLE = {
    "subjects": ["mathematics"],
    "expertise": "basic domain",
    "english": True,
    "open_endedness": "no",
    "safety": "safe",
    "complexity": "simple",
    "material": False,
    "format": False,
}


class Tags(s.Serializer):
    tagger = s.CharField(help_text="'person' for a correction.")
    tags = s.DictField()

    class Meta:
        ref_name = "PromptTags"


class TagsRequest(s.Serializer):
    subjects = s.ListField(child=s.ChoiceField(list(SUBJECTS)), max_length=MOST_SUBJECTS)
    expertise = s.ChoiceField(EXPERTISE)
    english = s.BooleanField()
    open_endedness = s.ChoiceField(OPEN_ENDEDNESS)
    safety = s.ChoiceField(SAFETY)
    complexity = s.ChoiceField(COMPLEXITY)
    material = s.BooleanField(help_text="Whether there is a text to work on.")
    format = s.BooleanField(help_text="Whether a form of the answer is asked for.")

    class Meta:
        ref_name = "PromptTagsRequest"


class TaggedPrompt(s.Serializer):
    id = s.IntegerField()
    set_by = s.CharField(
        help_text="'person', a tagger's name, or empty where nobody has tagged it."
    )
    tags = s.ListField(child=s.CharField(), help_text="By their names, such as 'safety: high'.")

    class Meta:
        ref_name = "TaggedPrompt"


class TaggedPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = TaggedPrompt(many=True)

    class Meta:
        ref_name = "TaggedPromptPage"


class CorrectionShape(s.ModelSerializer):
    person = s.CharField(source="person.username")

    class Meta:
        model = TagCorrection
        ref_name = "TagCorrection"
        fields = ["person", "answer", "created_at"]


class TaggerRequest(s.Serializer):
    judge = s.IntegerField(allow_null=True, help_text="A judge of kind openai; null: the rules.")

    class Meta:
        ref_name = "TaggerRequest"


class TaggerShape(s.Serializer):
    tagger = s.CharField(help_text="The name under which its answers are kept.")
    judge = s.IntegerField(allow_null=True)
    tagged = s.IntegerField(help_text="Prompts that it has tagged.")
    waiting = s.IntegerField(help_text="Prompts of tasks that it has not; the rules count there.")
    corrected = s.IntegerField(help_text="Prompts whose tags a person corrected.")
    run = s.IntegerField(allow_null=True, help_text="Its latest run: see the judge's runs.")

    class Meta:
        ref_name = "Tagger"


class TaggedPrompts(APIView):
    @extend_schema(
        operation_id="list_tagged_prompts",
        parameters=[
            OpenApiParameter(
                "tag",
                str,
                description="Only prompts to which this tag applies.",
                enum=list(PROMPT_TAGS),
            ),
            OpenApiParameter("set_by", str, enum=[name for name in SET_BY if name]),
        ],
        responses=TaggedPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """The prompts with the tags that count, and who or what set them."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ("cursor", "page_size", "tag", "set_by"))
        tag, set_by = (request.query_params.get(name, "") for name in ("tag", "set_by"))
        if "tag" in request.query_params:
            clean_choice("tag", tag, PROMPT_TAGS)
        if "set_by" in request.query_params:
            clean_choice("set_by", set_by, [name for name in SET_BY if name])
        tagger = tagger_in_use(project)
        rows = filter_prompts(project, tag=tag, set_by=set_by, tagger=tagger)

        def body(prompt: Prompt) -> dict[str, Any]:
            [row] = tagged([prompt], tagger)
            return {"id": prompt.pk, "set_by": row.set_by, "tags": row.tags}

        return answer_page(request, rows.prefetch_related("taggings"), body)


class PromptTagsView(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_prompt_tags", responses=Tags(many=True))
    def get(self, request: Request, prompt_id: int) -> Response:
        """What taggers, and the person who corrected them, say of a prompt."""
        prompt = _prompt(request, prompt_id, access.REVIEW)
        return Response([_tags_body(one) for one in prompt.taggings.order_by("tagger")])

    @extend_schema(
        operation_id="correct_prompt_tags",
        request=TagsRequest,
        responses=Tags,
        examples=[OpenApiExample("Request", value=TAGS_EXAMPLE, request_only=True)],
    )
    def put(self, request: Request, prompt_id: int) -> Response:
        """Correct them: an answer to every question, which stands above the taggers'."""
        prompt = _prompt(request, prompt_id, access.MANAGE)
        tagging = correct_tags(prompt=prompt, actor=request.user, answer=request.data)
        return Response(_tags_body(tagging))

    @extend_schema(operation_id="withdraw_prompt_tags", request=None, responses={204: None})
    def delete(self, request: Request, prompt_id: int) -> Response:
        """Let the tagger's answer stand again."""
        withdraw_correction(prompt=_prompt(request, prompt_id, access.MANAGE), actor=request.user)
        return Response(status=204)


class Tagger(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_tagger", responses=TaggerShape)
    def get(self, request: Request, project_id: int) -> Response:
        """Who tags prompts, and how many are still to be tagged by it."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(TaggerShape(tagger_standing(project)).data)

    @extend_schema(
        operation_id="choose_tagger",
        examples=[examples.request({"judge": 3})],
        request=TaggerRequest,
        responses=TaggerShape,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Let a judge tag, which begins at once within its limits; null: the rules."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("judge",), required=("judge",))
        judge = body["judge"]
        if judge is not None:
            judge = clean_integer("judge", judge, low=1, high=BIGINT_MAX)
        choose_tagger(project=project, actor=request.user, judge_id=judge)
        return Response(TaggerShape(tagger_standing(project)).data)


class TagHistory(APIView):
    @extend_schema(operation_id="list_tag_corrections", responses=CorrectionShape(many=True))
    def get(self, request: Request, prompt_id: int) -> Response:
        """Who corrected the tags of a prompt, and to what; without an answer: withdrew it."""
        prompt = _prompt(request, prompt_id, access.REVIEW)
        rows = prompt.tag_corrections.select_related("person").order_by("-pk")[:200]
        return Response(CorrectionShape(rows, many=True).data)


def _prompt(request: Request, prompt_id: int, roles: frozenset) -> Prompt:
    rows = Prompt.objects.select_related("project")
    return access.get_in_project(request.user, rows, prompt_id, roles)


def _tags_body(tagging: Any) -> dict[str, Any]:
    return {"tagger": tagging.tagger, "tags": tagging.answer}


urlpatterns = [
    path("projects/<int:project_id>/routing/tags/", TaggedPrompts.as_view(), name="api_tags"),
    path("projects/<int:project_id>/routing/tagger/", Tagger.as_view(), name="api_tagger"),
    path("prompts/<int:prompt_id>/tags/", PromptTagsView.as_view(), name="api_prompt_tags"),
    path("prompts/<int:prompt_id>/tags/history/", TagHistory.as_view(), name="api_tag_history"),
]
