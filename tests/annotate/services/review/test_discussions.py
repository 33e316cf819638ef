"""Discussions: who reads what, mentions, what is resolved."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db.utils import IntegrityError, InternalError
from django.http import Http404
from django.urls import reverse

from annotate.kinds import InvalidValue
from annotate.models import AuditEvent, Mention, Note
from annotate.services.review import discussions
from annotate.services.review.reviews import decide
from annotate.services.work import judgements
from tests.annotate.discussed import discussed_project
from tests.annotate.judged_by_many import answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return discussed_project(make_project, make_pair_tasks, make_user, add_member)


def say(project, who, text, **more) -> Note:
    return discussions.add_note(task_id=project.task.pk, author=who, text=text, **more)


def read(project, who) -> list[str]:
    task = discussions.get_task(who, project.task.pk)
    return [note.text for note in discussions.notes_for(task, who)]


def test_who_reads_and_writes_what(project, make_user):
    say(project, project.rita, "Which passage?")
    say(project, project.rita, "Why A?", judgement_id=project.ours.pk)
    say(project, project.ada, "It cites it.", judgement_id=project.ours.pk)
    assert read(project, project.rita) == ["Which passage?", "Why A?", "It cites it."]
    assert read(project, project.ada) == ["Which passage?", "Why A?", "It cites it."]
    assert read(project, project.bob) == ["Which passage?"]
    with pytest.raises(PermissionDenied, match="once you have answered"):
        read(project, project.carl)
    with pytest.raises(Http404):
        read(project, make_user("stranger"))
    with pytest.raises(PermissionDenied, match="somebody else"):
        say(project, project.bob, "But B!", judgement_id=project.ours.pk)
    elsewhere = answer(project.all[1], person=project.ada, side=0)
    with pytest.raises(Http404):
        say(project, project.rita, "?", judgement_id=elsewhere.pk)
    for wrong in ("", "  \n", "x" * 5001, None):
        with pytest.raises(InvalidValue):
            say(project, project.rita, wrong)


def test_a_discussion_goes_on_when_the_answer_is_superseded(project):
    say(project, project.rita, "Why A?", judgement_id=project.ours.pk)
    new = judgements.revise_judgement(
        judgement_id=project.ours.pk, user=project.ada, value={"verdict": "tie"}
    ).judgement
    amended = decide(
        judgement_id=new.pk, reviewer=project.rita, decision="amend", value=project.ours.value
    ).review.amended
    note = say(project, project.rita, "So A after all.", judgement_id=amended.pk)
    assert note.judgement == project.ours
    assert read(project, project.ada) == ["Why A?", "So A after all."]


def test_mentions_reach_those_who_may_read(project):
    say(project, project.ada, "@rita and @bob, @nobody: look. @ada")
    assert discussions.count_unread(project.rita) == 1
    assert discussions.count_unread(project.bob) == 1
    assert discussions.count_unread(project.ada) == 0
    for text, about in (("@carl?", None), ("@bob?", project.ours.pk)):
        with pytest.raises(InvalidValue, match="may not read this"):
            say(project, project.rita, text, judgement_id=about)
    assert Note.objects.count() == 1
    by_pseudonym = say(project, project.rita, f"@{project.bob.pseudonym} @bob")
    assert by_pseudonym.mentions.count() == 1
    assert discussions.mentions_of(project.bob).first().note == by_pseudonym
    first = Mention.objects.filter(user=project.bob).order_by("pk")[0]
    assert discussions.mark_read(user=project.bob, ids=[first.pk]) == 1
    assert discussions.mark_read(user=project.ada, ids=[first.pk]) == 0
    assert discussions.mark_read(user=project.bob, task=project.task) == 1
    assert discussions.count_unread(project.bob) == 0
    project.memberships.filter(user=project.bob).delete()
    assert not discussions.mentions_of(project.bob).exists()


def test_resolved_and_opened_again(project):
    say(project, project.rita, "Which passage?")
    say(project, project.ada, "", deed="resolved")
    with pytest.raises(InvalidValue, match="done already"):
        say(project, project.bob, "", deed="resolved")
    say(project, project.rita, "Not quite.", deed="reopened")
    notes = Note.objects.filter(task=project.task)
    assert not discussions.is_resolved(notes)
    told = AuditEvent.objects.filter(action__startswith="discussion.").order_by("pk")
    assert [one.action for one in told] == ["discussion.resolved", "discussion.reopened"]
    with pytest.raises((InternalError, IntegrityError), match="append-only"):
        notes.update(text="never said")


def test_pages_show_plain_text_and_the_count(project, client):
    say(project, project.ada, "<script>x</script> **b** @rita")
    client.force_login(project.rita)
    home = client.get("/").content.decode()
    assert '<span class="badge accent">1<span' in home
    listed = client.get(reverse("mentions")).content.decode()
    assert "1 is unread" in listed
    assert "&lt;script&gt;x&lt;/script&gt; **b** @rita" in listed
    page = client.get(reverse("review_task", args=[project.task.pk])).content.decode()
    assert '&lt;script&gt;x&lt;/script&gt; **b** <b class="mention">@rita</b>' in page
    assert "1 is unread" in client.get(reverse("mentions")).content.decode()  # a link leads on
    address = reverse("discussion", args=[project.task.pk])
    assert client.get(address).status_code == 200
    assert "0 are unread" in client.get(reverse("mentions")).content.decode()
    back = f"/tasks/{project.task.pk}/review/?by=person"
    done = client.post(address, {"text": "@ada yes", "about": project.ours.pk, "back": back})
    assert done["Location"] == back
    done = client.post(address, {"text": "more", "about": "", "back": "https://example.org/"})
    assert done["Location"] == address
    refused = client.post(address, {"text": "@carl ?", "about": project.ours.pk})
    assert refused.status_code == 422
    assert "@carl ?" in refused.content.decode()

    client.force_login(project.ada)
    page = client.get(address).content.decode()
    assert "About the answer of ada" in page
    assert "of bob" not in page
    assert ">ga<" not in page  # generators stay hidden
    client.force_login(project.carl)
    assert client.get(address).status_code == 403
    assert client.post(address, {"text": "hi"}).status_code == 403
    client.force_login(project.rita)
    say(project, project.ada, "again @rita")
    assert client.post(reverse("read_mentions")).status_code == 302
    assert discussions.count_unread(project.rita) == 0
