"""One link, many people at the same moment, with real connections."""

import pytest

from annotate.models import Membership
from annotate.services.people.invitations import (
    InvitationOver,
    accept_invitation,
    create_invitation,
)
from tests.annotate.handout.test_together import run_all

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_more_come_in_than_the_link_is_for(make_project, make_user) -> None:
    project = make_project(make_user("olga"))
    invitation = create_invitation(project=project, actor=project.created_by, max_uses=2)
    refused = []

    def come(user) -> None:
        try:
            accept_invitation(invitation=invitation, user=user)
        except InvitationOver as error:
            refused.append(error)

    users = [make_user(f"u{number}") for number in range(5)]
    run_all([lambda user=user: come(user) for user in users])
    invitation.refresh_from_db()
    assert (invitation.uses, len(refused)) == (2, 3)
    assert Membership.objects.filter(project=project, role="annotator").count() == 2


def test_one_person_in_many_tabs_counts_once(make_project, make_user) -> None:
    project = make_project(make_user("olga"))
    invitation = create_invitation(project=project, actor=project.created_by, max_uses=9)
    ada = make_user("ada")
    run_all([lambda: accept_invitation(invitation=invitation, user=ada)] * 4)
    invitation.refresh_from_db()
    assert invitation.uses == 1
