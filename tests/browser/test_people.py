"""People in a real browser: invited, asked, at work, leaving; axe-core finds nothing on the way."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotate.models import Consent, Invitation, Membership, Project, User
from annotate.services.people.consents import set_consent
from annotate.services.people.invitations import (
    create_invitation,
    invitation_token,
    revoke_invitation,
)
from annotate.services.people.profiles import set_questions
from annotate.services.people.teams import create_team
from tests.browser.axe import CALM, Axe
from tests.browser.conftest import PASSWORD
from tests.browser.desk import answer

pytestmark = pytest.mark.django_db(transaction=True)
QUESTIONS = [
    {
        "name": "age",
        "title": "How old are you?",
        "kind": "choice",
        "choices": ["under 30", "older"],
    },
    {"name": "tongues", "title": "What do you speak?", "kind": "multiple", "choices": ["en", "ar"]},
    {"name": "job", "title": "What do you do?", "kind": "text"},
    {"name": "years", "title": "For how many years?", "kind": "number"},
]


@pytest.fixture
def project(make_project, make_user, make_pair_tasks) -> Project:
    """Olga's, asking for consent and questions."""
    olga = make_user("olga")
    project = make_project(olga, name="Answers")
    make_pair_tasks(project, 3)
    set_consent(project=project, actor=olga, text="## Terms\n\nBe **kind**.")
    until = timezone.now().date() + timedelta(days=30)
    set_questions(project=project, actor=olga, questions=QUESTIONS, until=until)
    return project


def test_a_manager_sets_everything_up(open_browser, project, make_user, add_member, axe) -> None:
    olga = project.created_by
    team = create_team(project=project, name="Night", actor=olga)
    member = add_member(project, make_user("ada"))
    revoke_invitation(invitation=create_invitation(project=project, actor=olga), actor=olga)
    page: Page = open_browser(olga, **CALM)
    page.goto(reverse("people", args=[project.pk]))
    axe.look(page, "people with a team")
    page.get_by_role("link", name="Edit what is known of ada").click()
    page.get_by_label("Tier").select_option("Expert")
    page.get_by_label("Team").select_option(str(team.pk))
    page.get_by_label("Languages").fill("de, ???")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is no language tag")).to_be_visible()
    axe.look(page, "a member, refused")
    page.get_by_label("Languages").fill("de, pt-br")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("pt-BR")).to_be_visible()
    member.refresh_from_db()
    assert (member.tier, member.team, member.languages) == ("expert", team, ["de", "pt-BR"])
    page.get_by_role("link", name="Invite by link").click()
    page.get_by_label("Whom it is for").fill("Course")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link 1", exact=True)
    expect(link).to_have_value(f"{page.url.split('/projects')[0]}/join/{token()}/")
    page.get_by_role("button", name="Copy link 1").click()
    assert link.evaluate("field => field.selectionEnd - field.selectionStart") > 40
    axe.look(page, "invitations")
    page.goto(reverse("consent_settings", args=[project.pk]))
    axe.look(page, "consent and questions")
    assert axe.looks == 3 * 4


def token() -> str:
    return invitation_token(Invitation.objects.latest("pk"))


def test_somebody_comes_agrees_works_and_leaves(open_browser, project, axe: Axe) -> None:
    link = invitation_token(create_invitation(project=project, actor=project.created_by))
    page: Page = open_browser(**CALM)
    page.goto(f"/join/{link}/")
    axe.look(page, "invitation")
    page.get_by_label("Username").fill("noor")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account and take part").click()
    expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
    axe.look(page, "consent")
    page.get_by_label("How old are you?").select_option("older")
    page.get_by_label("ar", exact=True).check()
    page.get_by_label("Prefer not to say: What do you do?").check()
    page.get_by_role("button", name="I agree, go on").click()
    expect(page.locator(".turn.last .prose")).to_have_text("Question 0?")
    assert Consent.objects.get().user.username == "noor"
    answer(page, "A is better")
    page.goto(reverse("own_work", args=[project.pk]))
    expect(page.get_by_role("link", name="Look at your answer")).to_have_count(1)
    axe.look(page, "own work")
    page.goto(reverse("account"))
    axe.look(page, "account")
    page.get_by_role("link", name="Delete your account").click()
    page.get_by_label("Your username, to confirm").fill("noor")
    page.get_by_label("Your password").fill("guess")
    page.get_by_role("button", name="Delete the account for good").click()
    expect(page.get_by_text("Is wrong")).to_be_visible()
    axe.look(page, "delete, refused")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Delete the account for good").click()
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    assert not Membership.objects.filter(role="annotator").exists()
    assert not User.objects.filter(username="noor").exists()
    page.goto(f"/join/{link}/")
    expect(page.get_by_text("is used up")).to_be_visible()
    axe.look(page, "a link that is used up")
    assert axe.looks == 3 * 6


def test_a_consent_is_withdrawn_from_the_right(open_browser, project, make_user, add_member, axe):
    ada = make_user("ada")
    add_member(project, ada)
    page: Page = open_browser(ada, **CALM)
    page.goto(reverse("work", args=[project.pk]))
    page.get_by_role("button", name="I agree, go on").click()
    expect(page.locator(".turn.last .prose")).to_have_text("Question 0?")
    page.goto(reverse("consent", args=[project.pk]))
    axe.look_from_the_right(page, "consent given")
    page.get_by_role("link", name="Withdraw your consent").click()
    axe.look(page, "withdraw")
    page.get_by_role("button", name="Withdraw it").click()
    expect(page.get_by_text("Your consent is withdrawn")).to_be_visible()
    assert Consent.objects.get().withdrawn_at is not None
    assert axe.looks == 3 * 2
