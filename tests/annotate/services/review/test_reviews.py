"""Deciding about answers: nothing is lost or done twice, and exports follow."""

import json
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.db.utils import IntegrityError, InternalError
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, Consensus, Judgement, Review
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.projects import update_project
from annotate.services.review import review_stages
from annotate.services.review.reviews import ReviewConflict, decide
from annotate.services.work import judgements, overlaps, returned
from annotate.services.work.seats import SeatGone
from tests.annotate.judged_by_many import answer, computed


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    """Two tasks; ada prefers the first response, bob the second. Rita and ron review."""
    project = make_project(overlap=2)
    project.ada, project.bob = make_user("ada"), make_user("bob")
    project.rita, project.ron = make_user("rita"), make_user("ron")
    for person in (project.ada, project.bob):
        add_member(project, person)
    for person in (project.rita, project.ron):
        add_member(project, person, "reviewer")
    project.all = make_pair_tasks(project, 2)
    project.first = [
        answer(project.all[0], person=project.ada, side=0),
        answer(project.all[0], person=project.bob, side=1),
    ]
    return project


def ids(task) -> list[int]:
    return list(task.places.order_by("position").values_list("response_id", flat=True))


def other(task) -> dict:
    return {"verdict": "prefer", "preferred": ids(task)[1], "strength": 3}


def exported(project, **filters) -> list[tuple[int, str | None]]:
    chunks = stream_export(project=project, format="raw", filters=ExportFilters(**filters))
    rows = [json.loads(line) for line in b"".join(chunks).splitlines()]
    return [(row["id"], row["supersedes"]) for row in rows]


@pytest.mark.django_db
class TestDeciding:
    def test_nobody_decides_about_an_amendment_of_their_own_answer(self, project):
        own = answer(project.all[1], person=project.rita, side=0)
        amended = decide(
            judgement_id=own.pk, reviewer=project.ron, decision="amend",
            value=other(project.all[1]),
        ).review.amended  # fmt: skip
        for decision in ("dismiss", "amend"):
            with pytest.raises(PermissionDenied, match="your own answer"):
                decide(
                    judgement_id=amended.pk, reviewer=project.rita, decision=decision,
                    value=other(project.all[1]),
                )  # fmt: skip
        decide(judgement_id=amended.pk, reviewer=project.created_by, decision="dismiss")

    def test_what_was_dismissed_is_not_brought_back_by_changing_it(self, project, client):
        ours, _theirs = project.first
        decide(judgement_id=ours.pk, reviewer=project.rita, decision="dismiss")
        with pytest.raises(SeatGone, match="counts no more"):
            judgements.revise_judgement(
                judgement_id=ours.pk, user=project.ada, value={"verdict": "tie"}
            )
        client.force_login(project.ada)
        url = reverse("revise_judgement", args=[project.pk, ours.pk])
        assert "counts no more" in client.get(url, follow=True).content.decode()
        undone = client.get(reverse("undo", args=[project.pk]), follow=True).content.decode()
        assert "no earlier answer of yours" in undone

    def test_a_change_locks_the_task_before_the_person_where_overlap_adapts(self, project):
        """As a decision does, or the two could wait for each other."""
        update_project(project=project, actor=project.created_by, overlap_most=3)
        with CaptureQueriesContext(connection) as queries:
            judgements.revise_judgement(
                judgement_id=project.first[0].pk, user=project.ada, value={"verdict": "tie"}
            )
        locks = [one["sql"] for one in queries if "FOR NO KEY UPDATE" in one["sql"]]
        assert 'FROM "annotate_task"' in locks[0]
        assert 'FROM "annotate_membership"' in locks[1]

    def test_a_dismissed_vote_is_asked_for_again_where_overlap_adapts(self, project):
        update_project(project=project, actor=project.created_by, overlap_most=3)
        task = project.all[1]
        theirs = [answer(task, person=person, side=0) for person in (project.ada, project.bob)]
        overlaps.fit_due()
        assert task.seats.filter(state="open").count() == 0
        decide(judgement_id=theirs[1].pk, reviewer=project.rita, decision="dismiss")
        overlaps.fit_due()
        assert task.seats.filter(state="open").count() == 1

    def test_an_answer_is_accepted_once_and_a_later_decision_replaces(self, project):
        ours, theirs = project.first
        first = decide(judgement_id=ours.pk, reviewer=project.rita, decision="accept")
        again = decide(judgement_id=ours.pk, reviewer=project.rita, decision="accept")
        assert (first.created, again.created) == (True, False)
        assert again.review == first.review
        with pytest.raises(ReviewConflict, match="rita has decided"):
            decide(judgement_id=ours.pk, reviewer=project.ron, decision="dismiss")
        second = decide(
            judgement_id=ours.pk, reviewer=project.ron, decision="dismiss", note="spam",
            seen=first.review.pk,
        )  # fmt: skip
        assert second.review.replaces == first.review
        assert [one.decision for one in Review.objects.newest()] == ["dismiss"]
        assert Review.objects.filter(judgement=theirs).count() == 0
        told = AuditEvent.objects.filter(action="judgement.reviewed").order_by("pk")
        assert [(one.actor, one.detail["decision"]) for one in told] == [
            (project.rita, "accept"),
            (project.ron, "dismiss"),
        ]

    def test_what_may_not_be(self, project, make_user):
        ours, _theirs = project.first
        project.memberships.filter(user=project.ada).update(role="reviewer")
        with pytest.raises(PermissionDenied, match="your own"):
            decide(judgement_id=ours.pk, reviewer=project.ada, decision="accept")
        with pytest.raises(PermissionDenied):
            decide(judgement_id=ours.pk, reviewer=project.bob, decision="accept")
        with pytest.raises(Http404):
            decide(judgement_id=ours.pk, reviewer=make_user("stranger"), decision="accept")
        for wrong in (
            {"decision": "praise"},
            {"decision": "return"},
            {"decision": "accept", "note": 7},
            {"decision": "accept", "seen": "1"},
            {"decision": "return", "note": "why?", "dismiss_others": True},
            {"decision": "accept", "dismiss_others": True},
            {"decision": "amend", "value": {"verdict": "perhaps"}},
        ):
            with pytest.raises(InvalidValue):
                decide(judgement_id=ours.pk, reviewer=project.rita, **wrong)
        assert not Review.objects.exists()
        with pytest.raises(IntegrityError, match="review_not_own"):
            Review.objects.create(
                project=project, task=ours.task, judgement=ours, reviewer=project.ada,
                author=project.ada, decision="accept",
            )  # fmt: skip

    def test_decisions_are_never_changed(self, project):
        done = decide(judgement_id=project.first[0].pk, reviewer=project.rita, decision="accept")
        with pytest.raises((InternalError, IntegrityError), match="append-only"):
            Review.objects.filter(pk=done.review.pk).update(decision="dismiss")

    def test_an_amendment_supersedes_and_the_original_stays(self, project):
        ours, theirs = project.first
        done = decide(
            judgement_id=ours.pk, reviewer=project.rita, decision="amend",
            value=other(ours.task), rationale="B cites it.",
        )  # fmt: skip
        amended = done.review.amended
        assert (amended.supersedes, amended.annotator, amended.form_version) == (
            ours, project.rita, ours.form_version,
        )  # fmt: skip
        assert amended.value["preferred"] == ids(ours.task)[1]
        assert exported(project) == [(theirs.pk, None), (amended.pk, ours.pk)]
        assert len(exported(project, superseded=True)) == 3
        with pytest.raises(InvalidValue):
            decide(
                judgement_id=amended.pk, reviewer=project.ron, decision="accept",
                seen=done.review.pk,
            )  # fmt: skip
        with pytest.raises(SeatGone):
            judgements.revise_judgement(
                judgement_id=amended.pk, user=project.rita, value=other(ours.task)
            )
        with pytest.raises(SeatGone):
            judgements.revise_judgement(
                judgement_id=ours.pk, user=project.ada, value=other(ours.task)
            )
        better = decide(
            judgement_id=amended.pk, reviewer=project.rita, decision="amend",
            value={"verdict": "tie"}, seen=done.review.pk,
        )  # fmt: skip
        assert better.review.author is None
        assert better.review.amended.value == {"verdict": "tie"}

    def test_settling_a_task_leaves_one_answer_that_counts(self, project):
        ours, theirs = project.first
        late = answer(ours.task, person=project.ron, verdict="tie", late=True)
        wanted = {"judgement_id": theirs.pk, "decision": "accept", "dismiss_others": True}
        with pytest.raises(ReviewConflict, match="Another answer"):
            decide(**wanted, reviewer=project.rita, seen_judgement=theirs.pk)
        with pytest.raises(PermissionDenied, match="yourself"):
            decide(**wanted, reviewer=project.ron, seen_judgement=late.pk)
        done = decide(**wanted, reviewer=project.rita, seen_judgement=late.pk)
        assert [(one.judgement, one.settled_by) for one in done.dismissed] == [
            (ours, done.review),
            (late, done.review),
        ]
        assert exported(project) == [(theirs.pk, None)]
        assert exported(project, review="accepted") == [(theirs.pk, None)]
        assert len(exported(project, superseded=True)) == 3

    def test_an_answer_changed_meanwhile_is_not_decided_about(self, project):
        ours, _theirs = project.first
        new = judgements.revise_judgement(
            judgement_id=ours.pk, user=project.ada, value={"verdict": "tie"}
        ).judgement
        with pytest.raises(ReviewConflict, match="changed meanwhile"):
            decide(judgement_id=ours.pk, reviewer=project.rita, decision="accept")
        assert decide(judgement_id=new.pk, reviewer=project.rita, decision="accept").created


@pytest.mark.django_db
class TestReturning:
    def test_it_comes_back_to_its_author_until_they_answer_it(self, project):
        ours, _theirs = project.first
        decide(judgement_id=ours.pk, reviewer=project.rita, decision="return", note="Read B again.")
        assert returned.first(project_id=project.pk, user=project.ada) == ours.pk
        assert returned.first(project_id=project.pk, user=project.bob) is None
        assert returned.note(ours) == "Read B again."
        new = judgements.revise_judgement(
            judgement_id=ours.pk, user=project.ada, value=other(ours.task)
        ).judgement
        assert returned.first(project_id=project.pk, user=project.ada) is None
        assert returned.note(new) == ""
        decide(judgement_id=new.pk, reviewer=project.ron, decision="accept")
        assert [(one.judgement, one.decision) for one in Review.objects.order_by("pk")] == [
            (ours, "return"),
            (new, "accept"),
        ]

    def test_a_later_decision_takes_it_back(self, project):
        ours, _theirs = project.first
        done = decide(judgement_id=ours.pk, reviewer=project.rita, decision="return", note="?")
        seen = done.review.pk
        decide(judgement_id=ours.pk, reviewer=project.rita, decision="accept", seen=seen)
        assert returned.first(project_id=project.pk, user=project.ada) is None

    def test_it_stands_before_other_tasks_on_the_work_page(self, project, client):
        ours, _theirs = project.first
        decide(
            judgement_id=ours.pk, reviewer=project.rita, decision="return",
            note="<b>Look</b> at B.",
        )  # fmt: skip
        client.force_login(project.ada)
        lease_seat(project=project, user=project.ada)  # another task is in her hands
        answer_ = client.get(f"/projects/{project.pk}/work/")
        edit = f"/projects/{project.pk}/work/judgements/{ours.pk}/"
        assert answer_["Location"] == edit
        assert client.get(f"/projects/{project.pk}/work/next/?beside=1").status_code == 204
        page = client.get(edit).content.decode()
        assert "&lt;b&gt;Look&lt;/b&gt; at B." in page
        assert "Keep it as it was" not in page
        judgements.revise_judgement(judgement_id=ours.pk, user=project.ada, value=other(ours.task))
        assert client.get(f"/projects/{project.pk}/work/").status_code == 200


@pytest.mark.django_db
class TestStages:
    def test_final_is_what_was_accepted_or_not_drawn(self, project):
        ours, theirs = project.first
        project.review_percent = 100
        project.save()
        assert exported(project, review="final") == []
        done = decide(judgement_id=ours.pk, reviewer=project.rita, decision="accept")
        assert exported(project, review="final") == [(ours.pk, None)]
        assert len(exported(project)) == 2
        snapshot = create_snapshot(project=project, actor=None, query={"review": "final"})
        assert (snapshot.rows, snapshot.query["review"]) == (1, "final")
        assert review_stages.count_stages(project) == {
            "waiting": 1, "return": 0, "accept": 1, "dismiss": 0, "none": 0,
        }  # fmt: skip
        decide(judgement_id=theirs.pk, reviewer=project.rita, decision="return", note="?")
        project.review_percent = 0
        project.save()
        assert exported(project, review="final") == [(ours.pk, None)]
        assert review_stages.count_stages(project)["return"] == 1
        decide(judgement_id=ours.pk, reviewer=project.ron, decision="dismiss", seen=done.review.pk)
        assert exported(project, review="final") == []
        assert exported(project) == [(theirs.pk, None)]

    def test_a_share_is_drawn_of_everybody_and_stays_when_it_grows(
        self, make_project, make_pair_tasks, make_user, add_member
    ):
        project = make_project(review_percent=20)
        people = [make_user(name) for name in ("ada", "bob")]
        tasks = make_pair_tasks(project, 100)
        for person in people:
            for task in tasks:
                answer(task, person=person, side=0)
        rows = Judgement.objects.filter(project=project)
        few = set(review_stages.drawn(project, rows).values_list("pk", flat=True))
        project.review_percent = 60
        more = set(review_stages.drawn(project, rows).values_list("pk", flat=True))
        assert few < more
        for person in people:
            mine = set(rows.filter(annotator=person).values_list("pk", flat=True))
            assert 5 <= len(few & mine) <= 40
            assert 40 <= len(more & mine) <= 80


@pytest.mark.django_db
def test_consensus_prefers_the_reviewer_and_agreement_stays_as_people_gave_it(project):
    ours, theirs = project.first
    before = computed(project)["voices"]["human"]
    [question] = [one for one in before["questions"] if one["question"] == ""]
    done = decide(
        judgement_id=ours.pk, reviewer=project.rita, decision="amend", value=other(ours.task),
        dismiss_others=True, seen_judgement=theirs.pk,
    )  # fmt: skip
    after = computed(project)["voices"]["human"]
    assert after["judgements"] == before["judgements"] == 2
    assert [one for one in after["questions"] if one["question"] == ""] == [question]
    row = Consensus.objects.get(task=ours.task, voices="human", method="majority")
    [said] = [one for one in row.answers if one["question"] == ""]
    low = min(ids(ours.task))
    assert said["label"] == ("first" if ids(ours.task)[1] == low else "second")
    assert (said["settled"], row.entropy) == (True, 0.0)
    assert done.review.settles_task
    spam = answer(project.all[1], person=project.ada, side=0)
    decide(judgement_id=spam.pk, reviewer=project.rita, decision="dismiss")
    assert computed(project)["voices"]["human"]["judgements"] == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("decisions", [("accept", "dismiss"), ("amend", "amend")])
def test_of_two_reviewers_at_once_one_decides(project, decisions):
    """Both hold the same page; whoever is second is told, and nothing is written twice."""
    ours, _theirs = project.first
    barrier = threading.Barrier(2)
    outcomes: list[object] = []

    def one(reviewer, decision) -> None:
        try:
            barrier.wait()
            done = decide(
                judgement_id=ours.pk, reviewer=reviewer, decision=decision,
                value=other(ours.task) if decision == "amend" else None,
            )  # fmt: skip
            outcomes.append(done.review.decision)
        except ReviewConflict as error:
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=one, args=pair)
        for pair in zip((project.rita, project.ron), decisions, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 2
    assert sum(isinstance(one, ReviewConflict) for one in outcomes) == 1
    assert Review.objects.filter(judgement=ours).count() == 1
    assert Judgement.objects.filter(supersedes=ours).count() <= 1
    assert connection.is_usable()
