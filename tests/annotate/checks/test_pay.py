"""The payment sheet: what counts, what it comes to, and where it is to be had."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Membership
from annotate.reports.pay import pay_sheet, totals
from annotate.services.people.pay import remove_rate, set_rate
from annotate.services.work.judgements import revise_judgement, submit_judgement
from tests.annotate.api.conftest import Caller

pytestmark = pytest.mark.django_db
PIECE = {"basis": "piece", "amount": "0.15", "currency": "EUR"}


def work(project, user, count: int, seconds: float | None = 30) -> list[Judgement]:
    found = []
    for _ in range(count):
        lease = lease_seat(project=project, user=user)
        done = submit_judgement(
            seat_id=lease.seat_id, user=user, value={"verdict": "tie"}, seconds_active=seconds
        )
        found.append(done.judgement)
    return found


def today() -> tuple[date, date]:
    day = timezone.localdate()
    return day - timedelta(days=1), day + timedelta(days=1)


def test_pieces_and_hours_by_tier(shop):
    project, [ann, ben, cem], _items = shop(30, people=3)
    Membership.objects.filter(user=ben).update(tier="expert")
    owner = project.created_by
    set_rate(project=project, actor=owner, **PIECE)
    set_rate(project=project, actor=owner, tier="expert", basis="hour", amount=24, currency="EUR")
    work(project, ann, 7)
    work(project, ben, 3, seconds=100)
    work(project, ben, 1, seconds=None)
    lines = {line.user: line for line in pay_sheet(project, *today())}
    assert cem not in lines
    assert (lines[ann].judgements, lines[ann].seconds, lines[ann].total) == (
        7,
        210,
        Decimal("1.05"),
    )
    # 300 s at 24 an hour
    assert (lines[ben].judgements, lines[ben].untimed, lines[ben].pay) == (4, 1, Decimal("2.00"))
    assert totals(list(lines.values())) == [("EUR", Decimal("3.05"))]
    remove_rate(project=project, tier="", actor=owner)
    [line] = [one for one in pay_sheet(project, *today()) if one.user == ann]
    assert (line.pay, line.bonus, line.total) == (None, None, None)


def test_a_correction_is_not_paid_again_nor_are_simulated_people(shop, make_user, add_member):
    project, [ann], _items = shop(10)
    sim = make_user("sim", is_simulated=True)
    add_member(project, sim)
    [first, _second] = work(project, ann, 2)
    work(project, sim, 3)
    revise_judgement(
        judgement_id=first.pk, user=ann, value={"verdict": "both_bad"}, seconds_active=500
    )
    [line] = pay_sheet(project, *today())
    assert (line.user, line.judgements, line.seconds) == (ann, 2, 60)


def test_only_the_days_asked_for_count_the_last_included(shop):
    project, [ann], _items = shop(5)
    [judgement] = work(project, ann, 1)
    day = timezone.localdate(judgement.submitted_at)
    assert pay_sheet(project, day, day)[0].judgements == 1
    assert pay_sheet(project, day - timedelta(days=9), day - timedelta(days=1)) == []
    assert pay_sheet(project, day + timedelta(days=1), day + timedelta(days=9)) == []


def test_the_bonus_is_for_hidden_items_of_the_period(shop, is_gold):
    project, [ann], _items = shop(30, gold=6, gold_percent=50)
    rate = {**PIECE, "bonus_percent": 20, "bonus_share": 100, "bonus_from": 5}
    set_rate(project=project, actor=project.created_by, **rate)
    work(project, ann, 8)
    [line] = pay_sheet(project, *today())
    assert (line.passed.count, line.hidden, line.bonus) == (4, 4, Decimal("0.00"))
    work(project, ann, 2)
    [line] = pay_sheet(project, *today())
    assert (line.passed.right, line.pay, line.bonus) == (5, Decimal("1.50"), Decimal("0.30"))
    assert line.total == Decimal("1.80")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({**PIECE, "amount": "-1"}, "amount"),
        ({**PIECE, "amount": "0.00001"}, "amount"),
        ({**PIECE, "amount": "NaN"}, "amount"),
        ({**PIECE, "amount": True}, "amount"),
        ({**PIECE, "currency": "euro"}, "currency"),
        ({**PIECE, "basis": "day"}, "basis"),
        ({**PIECE, "tier": "boss"}, "tier"),
        ({"basis": "piece"}, "amount"),
        ({**PIECE, "tip": 1}, "tip"),
    ],
)
def test_rates_that_make_no_sense_are_refused(shop, fields, field):
    project, _people, _items = shop(0)
    with pytest.raises(InvalidValue) as refused:
        set_rate(project=project, actor=project.created_by, **fields)
    assert refused.value.field == field


def test_the_page_and_the_csv(shop, client):
    project, [ann], _items = shop(5)
    ann.username = "@ann"
    ann.save()
    work(project, ann, 2)
    client.force_login(project.created_by)
    form = {**PIECE, "tier": "", "bonus_percent": 0, "bonus_share": 90, "bonus_from": 10}
    assert client.post(reverse("set_pay_rate", args=[project.pk]), form).status_code == 302
    bad = client.post(reverse("set_pay_rate", args=[project.pk]), {**form, "currency": "x"})
    assert bad.status_code == 422
    first, last = today()
    period = {"first": first.isoformat(), "last": last.isoformat()}
    page = client.get(reverse("pay", args=[project.pk]), period)
    assert "0.15 EUR a judgement" in page.content.decode()
    assert "0.30 EUR" in page.content.decode()
    sheet = client.get(reverse("pay_csv", args=[project.pk]), period)
    assert sheet["Content-Type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(sheet.content.decode()))
    assert (row["user"], row["judgements"], row["total"]) == ("'@ann", "2", "0.30")
    client.post(reverse("remove_pay_rate", args=[project.pk]), {"tier": ""})
    assert "no rate" in client.get(reverse("pay", args=[project.pk]), period).content.decode()
    actions = project.audit_events.values_list("action", flat=True)
    assert {"pay.set", "pay.removed"} <= set(actions)
    client.force_login(ann)
    assert client.get(reverse("pay", args=[project.pk])).status_code == 403
    assert client.get(reverse("pay_csv", args=[project.pk])).status_code == 403


def test_time_that_nobody_measured_is_no_time(shop, client):
    project, [ann, ben], _items = shop(5, people=2)
    work(project, ann, 2, seconds=None)
    work(project, ben, 1, seconds=None)
    work(project, ben, 1, seconds=20)
    client.force_login(project.created_by)
    page = client.get(reverse("pay", args=[project.pk])).content.decode()
    assert "– <small>2 not measured" in page
    assert "20 s <small>1 not measured" in page
    assert "0.0 s" not in page


def test_rest(shop, refused):
    project, [ann], _items = shop(5)
    work(project, ann, 2)
    caller, root = Caller(project.created_by, ["read", "manage"]), f"projects/{project.pk}/pay/"
    made = caller.put(f"{root}rates/", {**PIECE, "tier": "crowd"}).json()
    assert (made["tier"], made["amount"], made["bonus_from"]) == ("crowd", "0.1500", 10)
    assert caller.get(f"{root}rates/").json() == {"results": [made]}
    first, last = today()
    sheet = caller.get(f"{root}?first={first}&last={last}").json()
    [row] = sheet["results"]
    assert (sheet["first"], row["pay"], row["active_seconds"]) == (first.isoformat(), "0.30", 60.0)
    refused(caller.get(f"{root}?first=yesterday"), 400, "first")
    refused(caller.get(f"{root}?first={last}&last={first}"), 400, "last")
    refused(caller.put(f"{root}rates/", {**PIECE, "amount": []}), 400, "amount")
    assert caller.delete(f"{root}rates/?tier=crowd").status_code == 204
    assert caller.get(f"{root}rates/").json() == {"results": []}
    assert Caller(ann, ["read"]).get(root).status_code == 403
