"""What one did in a project, for oneself."""

from django.urls import reverse

from annotate.handout import lease_seat
from annotate.models import Judgement
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.seats import skip_seat


def judge(project, user, **more) -> Judgement:
    seat = lease_seat(project=project, user=user).seat_id
    value = {"verdict": "tie"}
    return submit_judgement(seat_id=seat, user=user, value=value, **more).judgement


def test_figures_answers_and_what_was_declined(page, project, ada, make_user, add_member) -> None:
    client, _work = page
    mine = reverse("own_work", args=[project.pk])
    assert "judged nothing here yet" in client.get(mine).content.decode()
    first = judge(project, ada, seconds_active=10)
    second = judge(project, ada, seconds_active=30, rationale="Alike.")
    changed = revise_judgement(
        judgement_id=first.pk, user=ada, value={"verdict": "tie"}, rationale="x", reason="undo"
    ).judgement
    seat = lease_seat(project=project, user=ada).seat_id
    skip_seat(seat_id=seat, user=ada, reason="unclear", note="Hm?")
    bob = make_user("bob")
    add_member(project, bob)
    of_bob = judge(project, bob, rationale="Bob's own.")
    answer = client.get(mine)
    figures = answer.context["figures"]
    assert (figures.judged, figures.today, figures.changed, figures.declined) == (2, 2, 1, 1)
    assert figures.median_seconds == 20
    shown = answer.content.decode()
    assert reverse("revise_judgement", args=[project.pk, changed.pk]) in shown
    assert reverse("revise_judgement", args=[project.pk, second.pk]) in shown
    assert reverse("revise_judgement", args=[project.pk, first.pk]) not in shown
    assert reverse("revise_judgement", args=[project.pk, of_bob.pk]) not in shown
    assert "Alike." in shown
    assert "Hm?" in shown
    assert "Bob&#x27;s own." not in shown
    assert mine in client.get(reverse("home")).content.decode()
    assert mine in client.get(reverse("account")).content.decode()


def test_answers_come_page_by_page_at_the_same_cost(
    page, project, ada, make_pair_tasks, django_assert_max_num_queries
) -> None:
    client, _work = page
    tasks = make_pair_tasks(project, 60)
    Judgement.objects.bulk_create(
        Judgement(
            project=project,
            task=task,
            kind="pairwise",
            value={"verdict": "tie"},
            source="person",
            annotator=ada,
        )
        for task in tasks
    )
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("own_work", args=[project.pk]))
    assert answer.content.decode().count("Look or change") == 50
    older = client.get(
        f"{reverse('own_work', args=[project.pk])}?{answer.context['next_page']}"
    ).content.decode()
    assert older.count("Look or change") == 10
    [row, *_] = client.get(f"/api/v1/projects/{project.pk}/judgements/mine/").json()["results"]
    assert row["annotator"] == ada.pseudonym


def test_a_stranger_sees_nothing(client, project, make_user) -> None:
    client.force_login(make_user("eve"))
    assert client.get(reverse("own_work", args=[project.pk])).status_code == 404
    assert client.get(f"/api/v1/projects/{project.pk}/judgements/mine/").status_code == 404
