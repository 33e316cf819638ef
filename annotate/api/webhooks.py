"""Webhooks over REST: receivers, deliveries, replaying."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import webhooks_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import BIGINT_MAX, InvalidValue, clean_choice, clean_integer
from annotate.models import Delivery, Webhook
from annotate.services.webhooks import deliveries, receivers
from annotate.wording import Told


class WebhookList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_webhooks", responses=schema.WebhookPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's webhooks, oldest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return answer_page(request, Webhook.objects.filter(project=project), webhook_body)

    @extend_schema(
        operation_id="create_webhook",
        examples=[
            examples.request(
                {"url": "https://example.org/hooks", "events": ["task.done", "snapshot.finished"]}
            )
        ],
        request=schema.NewWebhook,
        responses={201: schema.WebhookWithSecret},
    )
    @repeatable(
        remedy="Its secret was shown once and is not kept: `rotate_webhook_secret` makes another."
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Tell an address what happens in the project. The secret is in this answer alone."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"url", "events"}, required=["url", "events"])
        webhook, secret = receivers.create_webhook(
            project=project, url=body["url"], events=body["events"], actor=request.user
        )
        return Response({**webhook_body(webhook), "secret": secret}, 201)


class WebhookDetail(Tagged, APIView):
    parser_classes = [PlainJSONParser]
    row = "webhook_id"
    locked = Webhook.objects.select_for_update(of=["self"])

    @extend_schema(operation_id="get_webhook", responses=schema.Webhook)
    def get(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """One webhook, without its secret."""
        return Response(webhook_body(_get(request, project_id, webhook_id)))

    @extend_schema(
        operation_id="change_webhook",
        examples=[examples.request({"is_on": False})],
        request=schema.WebhookChange,
        responses=schema.Webhook,
    )
    @if_match
    def patch(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Another address, other events, off or on. Switched on it is told what waits."""
        webhook = _get(request, project_id, webhook_id)
        body = read_body(request, known={"url", "events", "is_on"})
        webhook = receivers.change_webhook(webhook=webhook, actor=request.user, **body)
        return Response(webhook_body(webhook))

    @extend_schema(operation_id="delete_webhook", responses={204: None})
    @if_match
    def delete(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Delete it with its deliveries, also those that wait."""
        receivers.delete_webhook(webhook=_get(request, project_id, webhook_id), actor=request.user)
        return Response(status=204)


class WebhookSecret(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="rotate_webhook_secret", request=None, responses=schema.WebhookWithSecret
    )
    @repeatable(remedy="The secret was shown once and is not kept: a new key makes another secret.")
    def post(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Make another secret. For a day deliveries are signed with the old one too."""
        webhook, secret = receivers.rotate_secret(
            webhook=_get(request, project_id, webhook_id), actor=request.user
        )
        return Response({**webhook_body(webhook), "secret": secret})


class OldWebhookSecret(APIView):
    @extend_schema(operation_id="end_old_webhook_secret", responses={204: None})
    def delete(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Sign with the new secret alone from now on."""
        receivers.end_old_secret(webhook=_get(request, project_id, webhook_id), actor=request.user)
        return Response(status=204)


class WebhookTest(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="test_webhook", request=None, responses=schema.Delivery)
    def post(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Send a test event now, once, and tell what came of it. Waits ten seconds at most.

        Ten a minute for all webhooks of a project.
        """
        webhook = _get(request, project_id, webhook_id)
        return Response(delivery_body(deliveries.send_test(webhook=webhook)))


class DeliveryList(APIView):
    @extend_schema(
        operation_id="list_webhook_deliveries",
        parameters=[
            OpenApiParameter("state", str, enum=Delivery.State.values, description="All, without.")
        ],
        responses=schema.DeliveryPage,
    )
    def get(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """What it was told, oldest first; kept for thirty days."""
        webhook = _get(request, project_id, webhook_id)
        refuse_unknown(request, {"state", "cursor", "page_size"})
        rows = webhook.deliveries.select_related("event")
        state = request.query_params.get("state")
        if state is not None:
            rows = rows.filter(state=clean_choice("state", state, Delivery.State.values))
        return answer_page(request, rows, delivery_body)


class ReplayedShape(s.Serializer):
    replayed = s.IntegerField(help_text="How many are on their way again.")

    class Meta:
        ref_name = "ReplayedDeliveries"


class Replay(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="replay_webhook_deliveries",
        examples=[examples.request({"delivery": 31})],
        request=schema.ReplayRequest,
        responses=ReplayedShape,
    )
    def post(self, request: Request, project_id: int, webhook_id: int) -> Response:
        """Bring one delivery again, or all that were given up. Their ids stay."""
        webhook = _get(request, project_id, webhook_id)
        body = read_body(request, known={"delivery"})
        chosen = body.get("delivery")
        if chosen is not None:
            chosen = clean_integer("delivery", chosen, low=1, high=BIGINT_MAX)
            if not webhook.deliveries.filter(pk=chosen).exists():
                raise InvalidValue("delivery", "is none of this webhook's")
        count = deliveries.replay(webhook=webhook, actor=request.user, delivery_id=chosen)
        return Response({"replayed": count})


def _get(request: Request, project_id: int, webhook_id: int) -> Webhook:
    rows = Webhook.objects.filter(project=project_id)
    return access.get_in_project(request.user, rows, webhook_id, access.MANAGE)


def webhook_body(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "is_on": webhook.is_on,
        "failing_since": webhook.failing_since,
        "switched_off": Told.from_dict(webhook.told).message if webhook.told else None,
        "old_secret_until": webhook.old_secret_until,
        "created_at": webhook.created_at,
    }


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.pk,
        "message_id": delivery.event.message_id,
        "type": delivery.event.type,
        "created_at": delivery.event.created_at,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at if delivery.state == Delivery.State.WAITING else None,
        "tried_at": delivery.tried_at,
        "status": delivery.status,
        "excerpt": delivery.excerpt,
        "seconds": delivery.seconds,
        "failure": Told.from_dict(delivery.told).message if delivery.told else None,
    }


ONE = "projects/<int:project_id>/webhooks/<int:webhook_id>/"
urlpatterns = [
    path("projects/<int:project_id>/webhooks/", WebhookList.as_view(), name="api_webhooks"),
    path(ONE, WebhookDetail.as_view(), name="api_webhook"),
    path(f"{ONE}secret/", WebhookSecret.as_view(), name="api_webhook_secret"),
    path(f"{ONE}old-secret/", OldWebhookSecret.as_view(), name="api_old_webhook_secret"),
    path(f"{ONE}test/", WebhookTest.as_view(), name="api_test_webhook"),
    path(f"{ONE}deliveries/", DeliveryList.as_view(), name="api_webhook_deliveries"),
    path(f"{ONE}replay/", Replay.as_view(), name="api_replay_webhook"),
]
