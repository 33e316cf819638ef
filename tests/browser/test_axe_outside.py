"""axe-core on what leaves a project and comes from outside: webhooks (none yet, a new one with its
secret, deliveries in all states), signals, snapshots side by side (alone, alike, different).
"""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from annotate.models import Delivery, Webhook
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.signals.intake import take_signals
from annotate.services.webhooks.events import announce
from annotate.wording import Told
from tests.annotate.judged_by_many import answer
from tests.browser.axe import CALM, Axe

pytestmark = pytest.mark.django_db


def test_webhooks(open_browser, make_project, axe: Axe) -> None:
    project = make_project()
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("webhooks", args=[project.pk]))
    axe.look(page, "no webhooks")
    page.get_by_label("Address").fill("https://example.com/tandem?source=answers")
    page.get_by_label("Snapshot finished").check()
    page.get_by_label("Judgement given").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="The secret")).to_be_visible()
    axe.look(page, "a new webhook")
    for key in range(3):
        announce(project_id=project.pk, type="snapshot.finished", key=key, data={})
    now = Webhook.objects.get().created_at
    dead, taken, _ = Delivery.objects.order_by("pk")
    tried = {"tried_at": now, "attempts": 9, "seconds": 0.25}
    why = Told("it answers {status}", status=500).as_dict()
    Delivery.objects.filter(pk=dead.pk).update(
        state="dead", status=500, excerpt="<p>out of order</p>" * 20, told=why, **tried
    )
    Delivery.objects.filter(pk=taken.pk).update(state="taken", status=204, **tried)
    Webhook.objects.update(is_on=False, told=why, old_secret="whsec_x", old_secret_until=now)
    page.goto(reverse("webhook", args=[Webhook.objects.get().pk]))
    expect(page.get_by_role("alert")).to_contain_text("it answers 500")
    axe.look(page, "deliveries")
    page.goto(reverse("webhooks", args=[project.pk]))
    axe.look(page, "webhooks")
    assert axe.looks == 3 * 4


def test_signals(open_browser, make_project, axe: Axe) -> None:
    project = make_project()
    page = open_browser(project.created_by, **CALM)
    page.goto(reverse("signals", args=[project.pk]))
    axe.look(page, "no signals")
    text = {"prompt": "Why?", "completion": "So.", "generator": "support-bot"}
    rows = [{"key": str(n), "type": "love", **text} for n in range(3)]
    take_signals(project=project, rows=rows)
    page.reload()
    expect(page.get_by_role("rowheader", name="support-bot")).to_be_visible()
    axe.look(page, "signals")
    assert axe.looks == 3 * 2


def test_two_snapshots(open_browser, make_project, make_pair_tasks, make_user, axe: Axe) -> None:
    project = make_project()
    page = open_browser(project.created_by, **CALM)
    first, second = make_pair_tasks(project, 2)
    ada = make_user("ada")
    old = answer(first, person=ada, side=0)
    older = create_snapshot(project=project, actor=project.created_by)
    page.goto(reverse("compare_snapshots", args=[older.pk]))
    expect(page.get_by_role("heading", name="Nothing to compare it with")).to_be_visible()
    axe.look(page, "one snapshot")
    same = create_snapshot(project=project, actor=project.created_by)
    page.goto(reverse("compare_snapshots", args=[same.pk]))
    expect(page.get_by_text("Both hold the same judgements.")).to_be_visible()
    axe.look(page, "the same twice")
    new = answer(first, person=ada, side=1, supersedes=old)
    answer(second, person=ada, side=0)
    query = {"source": "human"}
    newer = create_snapshot(project=project, actor=project.created_by, query=query)
    page.goto(reverse("compare_snapshots", args=[newer.pk]))
    expect(page.get_by_role("heading", name="Filters and rules that differ")).to_be_visible()
    expect(page.get_by_role("rowheader", name=f"{new.pk} in place of {old.pk}")).to_be_visible()
    axe.look(page, "snapshots side by side")
    assert axe.looks == 3 * 3
