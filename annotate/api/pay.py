"""The payment sheet and its rates, for managers."""

from datetime import date

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.kinds import InvalidValue
from annotate.models import Membership, PayRate
from annotate.reports.pay import pay_sheet
from annotate.services.people import pay

TIERS = [("", "everybody else"), *Membership.Tier.choices]


class RateShape(s.Serializer):
    tier = s.ChoiceField(TIERS, required=False, help_text="Empty: whose tier has no rate.")
    basis = s.ChoiceField(PayRate.Basis.choices)
    amount = s.CharField(help_text="A number with up to four decimals.")
    currency = s.CharField(help_text="ISO 4217, such as EUR.")
    bonus_percent = s.IntegerField(required=False, help_text="Of the pay.")
    bonus_share = s.IntegerField(required=False, help_text="Hidden items right, percent.")
    bonus_from = s.IntegerField(required=False, help_text="Of at least so many.")

    class Meta:
        ref_name = "PayRate"


class RatesShape(s.Serializer):
    results = RateShape(many=True)

    class Meta:
        ref_name = "PayRates"


class LineShape(s.Serializer):
    pseudonym = s.CharField()
    user = s.CharField()
    tier = s.CharField(help_text="Empty for who is no member any more.")
    judgements = s.IntegerField()
    hidden = s.IntegerField(help_text="Of these, answers to hidden items.")
    untimed = s.IntegerField(help_text="Of these, without measured seconds.")
    active_seconds = s.FloatField()
    basis = s.CharField(allow_null=True)
    rate = s.CharField(allow_null=True)
    currency = s.CharField(allow_null=True)
    pay = s.CharField(allow_null=True, help_text="Two decimals; null without a rate.")
    gold_right = s.IntegerField()
    gold_answers = s.IntegerField()
    bonus = s.CharField(allow_null=True)
    total = s.CharField(allow_null=True)

    class Meta:
        ref_name = "PayLine"


class SheetShape(s.Serializer):
    first = s.DateField()
    last = s.DateField()
    results = LineShape(many=True)

    class Meta:
        ref_name = "PaySheet"


class PaySheet(APIView):
    @extend_schema(
        operation_id="get_pay_sheet",
        parameters=[
            OpenApiParameter("first", date, description="By default the first of the month."),
            OpenApiParameter("last", date, description="The last day, itself included."),
        ],
        responses=SheetShape,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """What everybody did in a period and what it comes to. Answers count once."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, ["first", "last"])
        today = timezone.localdate()
        first = _day(request, "first", today.replace(day=1))
        last = _day(request, "last", today)
        if last < first:
            raise InvalidValue("last", "must not lie before first")
        lines = pay_sheet(project, first, last)
        return Response(
            {"first": first, "last": last, "results": [line.as_row() for line in lines]}
        )


class PayRates(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_pay_rates", responses=RatesShape)
    def get(self, request: Request, project_id: int) -> Response:
        """The rates by tier."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        rates = PayRate.objects.filter(project=project).order_by("tier")
        return Response({"results": [_rate_body(rate) for rate in rates]})

    @extend_schema(
        operation_id="set_pay_rate",
        examples=[
            examples.request(
                {
                    "tier": "expert",
                    "basis": "piece",
                    "amount": "0.35",
                    "currency": "EUR",
                    "bonus_percent": 10,
                    "bonus_share": 20,
                    "bonus_from": 30,
                }
            )
        ],
        request=RateShape,
        responses=RateShape,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Set the rate of a tier."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=pay.FIELDS)
        return Response(_rate_body(pay.set_rate(project=project, actor=request.user, **body)))

    @extend_schema(
        operation_id="remove_pay_rate",
        parameters=[OpenApiParameter("tier", str, enum=pay.TIERS)],
        responses={204: None},
    )
    def delete(self, request: Request, project_id: int) -> Response:
        """Remove the rate of a tier."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        tier = clean_choice("tier", request.query_params.get("tier", ""), pay.TIERS)
        pay.remove_rate(project=project, tier=tier, actor=request.user)
        return Response(status=204)


def _day(request: Request, name: str, default: date) -> date:
    given = request.query_params.get(name)
    if given is None:
        return default
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 9000:
        raise InvalidValue(name, "must be a day such as 2030-01-31")
    return day


def _rate_body(rate: PayRate) -> dict:
    return {
        "tier": rate.tier,
        "basis": rate.basis,
        "amount": str(rate.amount),
        "currency": rate.currency,
        **{name: getattr(rate, name) for name in pay.INTEGERS},
    }


urlpatterns = [
    path("projects/<int:project_id>/pay/", PaySheet.as_view(), name="api_pay"),
    path("projects/<int:project_id>/pay/rates/", PayRates.as_view(), name="api_pay_rates"),
]
