"""The shapes of webhooks and deliveries, for the OpenAPI document alone."""

from rest_framework import serializers as s

from annotate.models import Delivery as DeliveryRow
from annotate.models import EventType
from annotate.models.webhook import SUBSCRIBED

EVENTS = [(value, str(EventType(value).label)) for value in SUBSCRIBED]


class NewWebhook(s.Serializer):
    url = s.CharField(max_length=500, help_text="https, as a rule; a query is kept.")
    events = s.ListField(child=s.ChoiceField(EVENTS))

    class Meta:
        ref_name = "NewWebhook"


class WebhookChange(s.Serializer):
    url = s.CharField(max_length=500, required=False)
    events = s.ListField(child=s.ChoiceField(EVENTS), required=False)
    is_on = s.BooleanField(required=False)

    class Meta:
        ref_name = "WebhookChange"


class Webhook(s.Serializer):
    id = s.IntegerField()
    url = s.CharField()
    events = s.ListField(child=s.ChoiceField(EVENTS))
    is_on = s.BooleanField()
    failing_since = s.DateTimeField(allow_null=True)
    switched_off = s.CharField(allow_null=True, help_text="Why the server switched it off.")
    old_secret_until = s.DateTimeField(
        allow_null=True, help_text="Till then deliveries have a second signature, by the old one."
    )
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "Webhook"


class WebhookWithSecret(Webhook):
    secret = s.CharField(help_text="whsec_… Shown this once.")

    class Meta:
        ref_name = "WebhookWithSecret"


class WebhookPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Webhook(many=True)

    class Meta:
        ref_name = "WebhookPage"


class Delivery(s.Serializer):
    id = s.IntegerField()
    message_id = s.CharField(help_text="As the header webhook-id has it, at every attempt.")
    type = s.CharField()
    created_at = s.DateTimeField()
    state = s.ChoiceField([(state.value, str(state.label)) for state in DeliveryRow.State])
    attempts = s.IntegerField()
    due_at = s.DateTimeField(allow_null=True, help_text="Of the next attempt.")
    tried_at = s.DateTimeField(allow_null=True)
    status = s.IntegerField(allow_null=True, help_text="HTTP status of the latest answer.")
    excerpt = s.CharField(help_text="How that answer began.")
    seconds = s.FloatField(allow_null=True)
    failure = s.CharField(allow_null=True)

    class Meta:
        ref_name = "WebhookDelivery"


class DeliveryPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = Delivery(many=True)

    class Meta:
        ref_name = "WebhookDeliveryPage"


class ReplayRequest(s.Serializer):
    delivery = s.IntegerField(
        required=False, allow_null=True, help_text="Left out: all that were given up."
    )

    class Meta:
        ref_name = "WebhookReplay"
