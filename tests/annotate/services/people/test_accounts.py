"""One's own data, downloaded whole; and the end of an account, which keeps what was judged."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.inputs import InvalidValue
from annotate.models import (
    AuditEvent,
    ChatReply,
    Consent,
    Draft,
    FormerStanding,
    Invitation,
    Judgement,
    Membership,
    ProfileAnswer,
    Seat,
    User,
)
from annotate.services.conversations import chat
from annotate.services.people.accounts import delete_account
from annotate.services.people.consents import give_consent, set_consent
from annotate.services.people.invitations import accept_invitation, create_invitation
from annotate.services.people.members import change_member, remove_member
from annotate.services.people.own_data import BATCH, SECTIONS, stream_own_data
from annotate.services.people.profiles import save_profile, set_questions
from annotate.services.people.rates import TooManyTries
from annotate.services.people.standing import pause_member
from annotate.services.people.tokens import find_token, issue_token
from annotate.services.work.drafts import save_draft
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.seats import skip_seat

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
JOB = {"name": "job", "title": "What do you do?", "kind": "text"}


@pytest.fixture
def ada(make_user):
    return make_user("ada", email="ada@example.org", first_name="Ada", last_name="L.")


@pytest.fixture
def project(make_project, make_user, make_pair_tasks, ada):
    """Ada came by an invitation, agreed, told of herself, judged, revised, declined and drafted."""
    olga = make_user("olga")
    project = make_project(olga)
    make_pair_tasks(project, 4)
    set_consent(project=project, actor=olga, text="Be kind.")
    until = timezone.now().date() + timedelta(days=9)
    set_questions(project=project, actor=olga, questions=[JOB], until=until)
    invitation = create_invitation(project=project, actor=olga, note="For Ada", tier="expert")
    member = accept_invitation(invitation=invitation, user=ada, address="192.0.2.7")
    give_consent(membership=member, number=1)
    save_profile(membership=member, answers={"job": "poet"})
    seat = lease_seat(project=project, user=ada).seat_id
    done = submit_judgement(seat_id=seat, user=ada, value={"verdict": "tie"}, rationale="Both.")
    revise_judgement(
        judgement_id=done.judgement.pk,
        user=ada,
        value={"verdict": "tie"},
        rationale="Both are.",
        reason="undo",
    )
    skip_seat(
        seat_id=lease_seat(project=project, user=ada).seat_id,
        user=ada,
        reason="unclear",
        note="What?",
    )
    seat = lease_seat(project=project, user=ada).seat_id
    save_draft(seat_id=seat, user=ada, value={"rationale": "hm"})
    return project


def data_of(user: User) -> dict:
    return json.loads("".join(stream_own_data(user)))


def test_the_data_hold_everything_and_nobody_else_s(project, ada, make_user, add_member) -> None:
    bob = make_user("bob")
    give_consent(membership=add_member(project, bob), number=1)
    save_profile(membership=Membership.objects.get(user=bob), answers={"job": "spy"})
    seat = lease_seat(project=project, user=bob).seat_id
    submit_judgement(seat_id=seat, user=bob, value={"verdict": "tie"}, rationale="Bob's.")
    token, secret = issue_token(user=ada, scopes=["read"], name="Mine")
    text = "".join(stream_own_data(ada))
    data = json.loads(text)
    assert data["account"]["email"] == "ada@example.org"
    assert data["account"]["pseudonym"] == ada.pseudonym
    assert list(data)[4:] == list(SECTIONS)
    [member] = data["memberships"]
    assert (member["project_name"], member["tier"], member["done"]) == ("Answers", "expert", 1)
    [consent] = data["consents"]
    assert (consent["version"], consent["text"], consent["withdrawn_at"]) == (1, "Be kind.", None)
    assert [one["answer"] for one in data["profile"]] == ["poet"]
    first, second = data["judgements"]
    assert (first["rationale"], second["rationale"]) == ("Both.", "Both are.")
    assert second["supersedes"] == first["id"]
    assert [one["value"] for one in data["drafts"]] == [{"rationale": "hm"}]
    assert [(one["reason"], one["note"]) for one in data["skips"]] == [("unclear", "What?")]
    assert [one["name"] for one in data["tokens"]] == ["Mine"]
    assert "192.0.2.7" in {one["address"] for one in data["deeds"]}
    assert secret not in text
    assert token.digest not in text
    for of_bob in ("bob", "spy", "Bob's", bob.pseudonym):
        assert of_bob not in text


def test_conversations_are_in_it(make_chat) -> None:
    project = make_chat("echo")
    turn = chat.send_message(
        seat_id=project.seat, user=project.ada, number=0, message="Grüß Gott", verdict=None
    )
    now = timezone.now()
    ChatReply.objects.create(
        turn=turn,
        letter="A",
        model=project.chat_models.get(),
        state=ChatReply.State.DONE,
        text="Hello",
        started_at=now,
        heartbeat_at=now,
        finished_at=now,
    )
    [talk] = data_of(project.ada)["chats"]
    assert talk["turns"][0]["message"] == "Grüß Gott"
    assert talk["turns"][0]["replies"] == [{"letter": "A", "text": "Hello"}]


def test_long_lists_come_in_batches(ada, django_assert_max_num_queries) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(action="x", object_type="y", actor=ada) for _ in range(BATCH + 3)
    )
    with django_assert_max_num_queries(len(SECTIONS) + 3):
        data = data_of(ada)
    assert len(data["deeds"]) == BATCH + 3


def test_an_account_goes_and_what_was_judged_stays(project, ada) -> None:
    _token, secret = issue_token(user=ada, scopes=["read"], name="Ada's laptop")
    before = list(Judgement.objects.order_by("pk").values())
    held = Seat.objects.get(state="leased").pk
    pseudonym = ada.pseudonym
    delete_account(user=ada, username="ada", password=PASSWORD, address="192.0.2.7")
    assert list(Judgement.objects.order_by("pk").values()) == before
    row = User.objects.get(pk=ada.pk)
    assert (row.username, row.pseudonym) == (f"deleted-{pseudonym}", pseudonym)
    assert (row.email, row.first_name, row.last_name, row.last_login) == ("", "", "", None)
    assert not row.is_active
    assert not row.has_usable_password()
    assert find_token(secret) is None
    assert not row.api_tokens.exists()
    for model in (Consent, ProfileAnswer):
        assert not model.objects.filter(user=ada).exists()
    assert not Membership.objects.filter(user=ada).exists()
    assert not Draft.objects.filter(annotator=ada).exists()
    assert Seat.objects.get(pk=held).state == "open"
    assert Invitation.objects.get().note == ""
    kept = str(list(User.objects.values())) + str(list(AuditEvent.objects.values()))
    assert "ada@example.org" not in kept
    assert "poet" not in kept
    assert AuditEvent.objects.get(action="user.deleted").actor == row


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"username": "Ada"}, "username"),
        ({"username": None}, "username"),
        ({"password": "guess"}, "password"),
        ({"password": None}, "password"),
    ],
)
def test_name_and_password_must_be_right(project, ada, given, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        delete_account(user=ada, address=None, **{"username": "ada", "password": PASSWORD, **given})
    assert refused.value.field == wrong
    ada.refresh_from_db()
    assert ada.is_active


def test_passwords_are_not_guessed_for_long(ada, settings) -> None:
    settings.REAUTHENTICATION_LIMIT = {"most": 1, "seconds": 600}
    with pytest.raises(InvalidValue, match="wrong"):
        delete_account(user=ada, username="ada", password="guess", address=None)
    with pytest.raises(TooManyTries):
        delete_account(user=ada, username="ada", password=PASSWORD, address=None)


def test_the_only_owner_of_a_project_stays(project, ada, make_project, make_user) -> None:
    own, shared, archived = (make_project(ada, name=name) for name in ("Own", "Shared", "Old"))
    Membership.objects.create(project=shared, user=project.created_by, role="owner")
    archived.archived_at = timezone.now()
    archived.save()
    with pytest.raises(InvalidValue, match="“Own”") as refused:
        delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    assert "Shared" not in refused.value.message
    assert Membership.objects.filter(user=ada).count() == 4
    Membership.objects.create(project=own, user=project.created_by, role="owner")
    delete_account(user=ada, username="ada", password=PASSWORD, address=None)


def test_the_only_superuser_stays(ada, make_user) -> None:
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    ada.refresh_from_db()
    with pytest.raises(InvalidValue, match="only superuser"):
        delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    make_user("root", is_superuser=True)
    delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    assert not User.objects.get(pk=ada.pk).is_superuser


def test_a_name_that_somebody_chose_is_in_nobody_s_way(ada, make_user) -> None:
    make_user(f"deleted-{ada.pseudonym}")
    delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    assert User.objects.get(pk=ada.pk).username.startswith(f"deleted-{ada.pseudonym}-")


def test_the_addresses_of_one_s_deeds_go_with_the_account_and_nothing_else_changes(project, ada):
    others = AuditEvent.objects.exclude(actor=ada)
    known_of_her = {"member.joined"}  # see below
    rows = AuditEvent.objects.exclude(action__in=known_of_her)
    kept = list(rows.order_by("pk").values_list("pk", "action", "detail"))
    stays = list(others.values_list("pk", "address"))
    delete_account(user=ada, username="ada", password=PASSWORD, address="192.0.2.9")
    assert not AuditEvent.objects.filter(actor=ada).exclude(address=None).exists()
    assert list(others.filter(pk__in=[pk for pk, _ in stays]).values_list("pk", "address")) == stays
    there = AuditEvent.objects.filter(pk__in=[pk for pk, *_ in kept]).order_by("pk")
    assert list(there.values_list("pk", "action", "detail")) == kept
    for change in ({"address": "192.0.2.1"}, {"address": None, "action": "nothing"}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            AuditEvent.objects.filter(pk=kept[0][0]).update(**change)


def test_the_trail_forgets_what_it_says_of_the_member(project, ada, make_user, add_member) -> None:
    olga, bob = project.created_by, make_user("bob")
    change_member(membership=add_member(project, bob), actor=olga, languages=["fr"])
    change_member(membership=ada.memberships.get(), actor=olga, languages=["mi"], skills=["law"])
    told = AuditEvent.objects.filter(action__in=["member.joined", "member.changed"])
    before = list(told.order_by("pk").values_list("pk", "action", "actor", "created_at"))
    changed = AuditEvent.objects.get(action="member.changed", detail__user=ada.pk)
    changed.detail = {"user": ada.pk}  # nobody may, while the account is there
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        changed.save()
    delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    assert list(told.order_by("pk").values_list("pk", "action", "actor", "created_at")) == before
    changed.refresh_from_db()
    assert changed.detail == {"user": ada.pk}
    joined = AuditEvent.objects.get(action="member.joined").detail
    assert set(joined) == {"user", "role", "invitation"}
    assert AuditEvent.objects.get(action="member.changed", detail__user=bob.pk).detail["after"] == {
        "languages": ["fr"]
    }
    for detail in ({}, {"user": ada.pk, "after": {}}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            AuditEvent.objects.filter(pk=changed.pk).update(detail=detail)


def test_how_they_stood_goes_too(project, ada) -> None:
    member = ada.memberships.get()
    pause_member(membership=member, actor=project.created_by)
    remove_member(membership=member, actor=ada)
    assert FormerStanding.objects.filter(user=ada).exists()
    delete_account(user=ada, username="ada", password=PASSWORD, address=None)
    assert not FormerStanding.objects.exists()
