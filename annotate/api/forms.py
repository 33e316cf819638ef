"""What projects ask: ready-made forms to begin with, and the versions of a project's own."""

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access, presets
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.kinds import InvalidValue
from annotate.models import FormVersion
from annotate.presets import spoken


class PresetShape(s.Serializer):
    name = s.CharField()
    title = s.CharField()
    description = s.CharField()
    source = s.CharField(help_text="The paper or project that it comes from.")
    kind = s.CharField()
    kind_settings = s.DictField()
    guidelines = s.CharField(help_text="Markdown.")
    overlap = s.IntegerField()


class Presets(s.Serializer):
    results = PresetShape(many=True)


class FormVersionShape(s.Serializer):
    id = s.IntegerField(help_text="As judgements name it: `form`.")
    number = s.IntegerField()
    kind = s.CharField()
    kind_settings = s.DictField()
    guidelines = s.CharField()
    created_by = s.CharField()
    created_at = s.DateTimeField()


class FormVersionPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = FormVersionShape(many=True)


class PresetList(APIView):
    is_for_project_tokens = True

    @extend_schema(
        operation_id="list_presets",
        responses=Presets,
        parameters=[
            OpenApiParameter(
                "language",
                str,
                enum=list(spoken.LANGUAGES),
                default="en",
                description="Of what people will read: titles, descriptions, reasons, guidelines.",
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Ready-made forms. Kind, settings, guidelines and overlap make a project as they are."""
        refuse_unknown(request, {"language"})
        language = request.query_params.get("language", "en")
        if language not in spoken.LANGUAGES:
            raise InvalidValue(
                "language", "must be one of {known}", known=", ".join(spoken.LANGUAGES)
            )
        found = [spoken.get_in(language, name) for name in presets.NAMES]
        return Response({"results": [_preset_body(preset) for preset in found]})


class FormVersionList(APIView):
    @extend_schema(operation_id="list_form_versions", responses=FormVersionPage)
    def get(self, request: Request, project_id: int) -> Response:
        """What the project asked from one change to the next, oldest first."""
        project = access.get_project(request.user, project_id)
        rows = project.form_versions.select_related("created_by")
        return answer_page(request, rows, _version_body)


def _preset_body(preset: presets.Preset) -> dict:
    names = ("name", "title", "description", "source", "kind", "guidelines", "overlap")
    body = {name: getattr(preset, name) for name in names}
    return {**body, "kind_settings": preset.settings}


def _version_body(version: FormVersion) -> dict:
    names = ("number", "kind", "kind_settings", "guidelines", "created_at")
    body = {name: getattr(version, name) for name in names}
    return {"id": version.pk, **body, "created_by": version.created_by.username}


urlpatterns = [
    path("presets/", PresetList.as_view(), name="api_presets"),
    path(
        "projects/<int:project_id>/form-versions/",
        FormVersionList.as_view(),
        name="api_form_versions",
    ),
]
