"""The models that a project's annotators talk to. Keys stay in the server's environment."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.chat.failures import ModelFailure
from annotate.models import ChatModel, ChatReply
from annotate.services.conversations.chat_models import (
    add_chat_model,
    retire_chat_model,
    try_chat_model,
)

FIELDS = ("name", "base_url", "model", "key_name", "parameters")


class ChatModelRequest(s.Serializer):
    name = s.CharField(help_text="For managers and exports; annotators see letters.")
    base_url = s.CharField(help_text="OpenAI-compatible, such as https://api.example.com/v1.")
    model = s.CharField(help_text="As the address calls it.")
    key_name = s.CharField(
        required=False, help_text="Of TANDEM_CHAT_KEY_… in the server's environment."
    )
    parameters = s.DictField(required=False, help_text="Sent along, such as temperature.")


class ChatModelShape(ChatModelRequest):
    id = s.IntegerField()
    created_at = s.DateTimeField()
    retired_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "ChatModel"


class TrialShape(s.Serializer):
    said = s.CharField(allow_null=True, help_text="null where it failed.")
    failure = s.ChoiceField(ChatReply.Failure.choices, allow_null=True)
    detail = s.CharField(help_text="Of a failure, in words.")

    class Meta:
        ref_name = "ChatModelTrial"


class ChatModelPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = ChatModelShape(many=True)


class ChatModelList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_chat_models", responses=ChatModelPage)
    def get(self, request: Request, project_id: int) -> Response:
        """All of them, also the retired ones, oldest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return answer_page(request, project.chat_models.all(), chat_model_body)

    @extend_schema(
        operation_id="add_chat_model",
        examples=[
            examples.request(
                {
                    "name": "Local 8B",
                    "base_url": "http://127.0.0.1:8080/v1",
                    "model": "local-8b",
                    "parameters": {"temperature": 0.7, "max_tokens": 512},
                }
            )
        ],
        request=ChatModelRequest,
        responses={201: ChatModelShape},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Set one up."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=FIELDS, required=("name", "base_url", "model"))
        return Response(
            chat_model_body(add_chat_model(project=project, actor=request.user, **body)), 201
        )


class ChatModelRetire(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="retire_chat_model", request=None, responses=ChatModelShape)
    def post(self, request: Request, project_id: int, model_id: int) -> Response:
        """Draw it for no new conversation. Those that have begun go on."""
        model = access.get_in_project(
            request.user, ChatModel.objects.filter(project=project_id), model_id, access.MANAGE
        )
        return Response(chat_model_body(retire_chat_model(model=model, actor=request.user)))


class ChatModelTrial(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="try_chat_model", request=None, responses=TrialShape)
    def post(self, request: Request, project_id: int, model_id: int) -> Response:
        """Greet the model: what it says, or why it does not."""
        model = access.get_in_project(
            request.user, ChatModel.objects.filter(project=project_id), model_id, access.MANAGE
        )
        try:
            said = try_chat_model(model=model)
        except ModelFailure as error:
            return Response({"said": None, "failure": error.kind, "detail": error.detail})
        return Response({"said": said, "failure": None, "detail": ""})


def chat_model_body(model: ChatModel) -> dict:
    return {
        "id": model.pk,
        **{name: getattr(model, name) for name in FIELDS},
        "created_at": model.created_at,
        "retired_at": model.retired_at,
    }


urlpatterns = [
    path("projects/<int:project_id>/chat/models/", ChatModelList.as_view(), name="api_chat_models"),
    path(
        "projects/<int:project_id>/chat/models/<int:model_id>/retire/",
        ChatModelRetire.as_view(),
        name="api_retire_chat_model",
    ),
    path(
        "projects/<int:project_id>/chat/models/<int:model_id>/try/",
        ChatModelTrial.as_view(),
        name="api_try_chat_model",
    ),
]
