"""Images, sound and video: one file a request, as the body or as the form field `file`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.conf import settings
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers as s
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import schema
from annotate.api.bodies import TooLarge, UnreadParser
from annotate.api.paging import answer_page
from annotate.api.problems import problem
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.kinds import InvalidValue
from annotate.media.addresses import media_address, neutral_name, true_name
from annotate.media.checks import FORMATS
from annotate.media.serving import answer_file
from annotate.models import MediaFile
from annotate.services.media import MediaInUse, add_media, delete_media

CHUNK = 1 << 20
NAME = OpenApiParameter(
    "filename", str, description="The file's name, also with folders: cats/1.png."
)

RANGE = OpenApiParameter(
    "Range", str, "header", description="Such as bytes=0-999; an answer of one range has 206."
)
KNOWN = OpenApiParameter(
    "If-None-Match", str, "header", description="An ETag: 304, without a body, where it is known."
)
CONTENT_TYPES = sorted({one.content_type for one in FORMATS})


class MediaFileShape(s.Serializer):
    id = s.IntegerField(help_text='As content names it: {"type": "image", "file": 12}.')
    sha256 = s.CharField()
    kind = s.ChoiceField(MediaFile.Kind.choices)
    content_type = s.CharField()
    size = s.IntegerField(help_text="Bytes.")
    name = s.CharField(help_text="As it was first sent.")
    other_names = s.ListField(
        child=s.CharField(), help_text="Under which the same bytes were sent later."
    )
    width = s.IntegerField(allow_null=True, help_text="Pixels, as shown.")
    height = s.IntegerField(allow_null=True)
    duration = s.FloatField(allow_null=True, help_text="Seconds, where the file tells.")
    url = s.CharField(help_text="For browsers that are logged in.")
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "MediaFile"


class MediaFilePage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = MediaFileShape(many=True)


class MediaList(APIView):
    parser_classes = [MultiPartParser, UnreadParser]

    @extend_schema(operation_id="list_media", responses=MediaFilePage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's media files, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return answer_page(request, project.media_files.order_by("id"), media_body)

    @extend_schema(
        operation_id="upload_media",
        parameters=[NAME],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: MediaFileShape, 201: MediaFileShape},
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Keep one image, recording or film. 200 if the same bytes are there already.

        Its content decides what it is; a name or a Content-Type that says otherwise is refused.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, {"filename"})
        with _body(request) as (stream, name, declared):
            file, is_new = add_media(
                project=project,
                actor=request.user,
                stream=stream,
                name=name,
                declared_type=declared,
                address=request.META.get("REMOTE_ADDR") or None,
            )
        return Response(media_body(file), 201 if is_new else 200)


class MediaDetail(APIView):
    @extend_schema(operation_id="get_media", responses=MediaFileShape)
    def get(self, request: Request, project_id: int, media_id: int) -> Response:
        """What is known of one file."""
        return Response(media_body(_file(request, project_id, media_id, access.REVIEW)))

    @extend_schema(operation_id="delete_media", responses={204: None})
    def delete(self, request: Request, project_id: int, media_id: int) -> Response:
        """Delete a file for good. 409 if a prompt or a response shows it; says which."""
        file = _file(request, project_id, media_id, access.MANAGE)
        try:
            delete_media(
                file=file, actor=request.user, address=request.META.get("REMOTE_ADDR") or None
            )
        except MediaInUse as error:
            return _in_use(request, error)
        except MediaFile.DoesNotExist as error:  # somebody else was faster
            raise Http404("The project has no such file.") from error
        return Response(status=204)


class MediaBytes(APIView):
    @extend_schema(
        operation_id="get_media_bytes",
        parameters=[RANGE, KNOWN],
        responses={
            **{(status, one): bytes for status in (200, 206) for one in CONTENT_TYPES},
            304: OpenApiResponse(description="It is still the same."),
            (416, "application/problem+json"): schema.Problem,
        },
    )
    def get(self, request: Request, project_id: int, media_id: int) -> HttpResponseBase:
        """The file itself, for whoever may judge here: whole, or one range of its bytes."""
        file = _file(request, project_id, media_id, access.ANY_MEMBER)
        answer = answer_file(request._request, file, neutral_name(file))
        if answer.status_code != 416:
            return answer
        detail = f"The file has {file.size} bytes. Ask for a range that begins before its end."
        return problem(416, "Range not satisfiable", detail, Content_Range=f"bytes */{file.size}")


def media_body(file: MediaFile) -> dict:
    return {
        "id": file.pk,
        "sha256": file.sha256,
        "kind": file.kind,
        "content_type": file.content_type,
        "size": file.size,
        "name": file.name,
        "other_names": file.other_names,
        "width": file.width,
        "height": file.height,
        "duration": file.duration,
        "url": media_address(file, true_name(file)),
        "created_at": file.created_at,
    }


def _in_use(request: Request, error: MediaInUse) -> Response:
    """409 with what shows the file, as errors: each a response or a prompt, and its task's page."""
    errors = []
    for use in error.uses:
        field = f"response {use.response_id}" if use.response_id else f"prompt {use.prompt_id}"
        page = reverse("task", args=[use.task_id]) if use.task_id else ""
        shown = f"shows it in task {use.task_id}: {request.build_absolute_uri(page)}"
        errors.append({"field": field, "message": shown if page else "shows it; it has no task"})
    return problem(409, "Conflict", f"{error}, so it stays.", errors)


def _file(request: Request, project_id: int, media_id: int, roles: frozenset) -> MediaFile:
    project = access.get_project(request.user, project_id, roles)
    file = MediaFile.objects.filter(project=project, pk=media_id).first()
    if file is None:
        raise Http404("The project has no such file.")
    return file


@contextmanager
def _body(request: Request) -> Iterator[tuple[BinaryIO, str, str]]:
    """The file, seekable, its name and its declared type."""
    plain = request._request
    name = request.query_params.get("filename", "")
    if plain.content_type == "multipart/form-data":
        uploads = plain.FILES.getlist("file")
        if len(uploads) != 1:
            raise InvalidValue(
                "file", f"the form has {len(uploads)} files under this name; send exactly one"
            )
        yield uploads[0].file, name or uploads[0].name, uploads[0].content_type or ""
        return
    limit = max(settings.MEDIA_MAX_BYTES.values())
    folder = settings.VAR_DIR / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as kept:
        size = 0
        while chunk := plain.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The file has more than {limit} bytes. Make it smaller.")
            kept.write(chunk)
        kept.seek(0)
        yield kept, name, plain.content_type or ""


urlpatterns = [
    path("projects/<int:project_id>/media/", MediaList.as_view(), name="api_media"),
    path(
        "projects/<int:project_id>/media/<int:media_id>/",
        MediaDetail.as_view(),
        name="api_media_file",
    ),
    path(
        "projects/<int:project_id>/media/<int:media_id>/bytes/",
        MediaBytes.as_view(),
        name="api_media_bytes",
    ),
]
