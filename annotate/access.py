"""The one door to objects: a stranger gets 404, a member who may not do it gets 403."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from annotate.models import Membership, Project, User

Role = Membership.Role

ANY_MEMBER = frozenset(Role)
REVIEW = frozenset({Role.OWNER, Role.MANAGER, Role.REVIEWER})
MANAGE = frozenset({Role.OWNER, Role.MANAGER})
OWN = frozenset({Role.OWNER})


def get_project(user: User, project_id: int, roles: frozenset[Role] = ANY_MEMBER) -> Project:
    """The project, if the user is a member in one of the roles. A superuser is an owner.

    Sets `project.membership` (None for a superuser who is no member).
    Raises Http404 for strangers, other projects' tokens and archived projects, PermissionDenied
    for a lesser role.
    """
    project = None
    if user.only_project in (None, project_id):
        project = Project.objects.live().filter(pk=project_id).first()
    membership = None
    if project is not None:
        membership = Membership.objects.filter(project=project, user=user).first()
    if project is None or (membership is None and not user.is_superuser):
        raise Http404(_("No such project, or you are not a member of it."))
    project.membership = membership
    if not user.is_superuser and membership.role not in roles:
        wanted = ", ".join(str(Role(role).label) for role in sorted(roles))
        raise PermissionDenied(
            _("Your role here is %(role)s; this needs: %(wanted)s.")
            % {"role": membership.get_role_display(), "wanted": wanted}
        )
    return project


def may_manage(project: Project, user: User) -> bool:
    """Whether the user manages the project, which came from `get_project`."""
    return user.is_superuser or (project.membership and project.membership.role in MANAGE)


BOARD_READERS = {
    Project.BoardReaders.MANAGERS: MANAGE,
    Project.BoardReaders.REVIEWERS: REVIEW,
    Project.BoardReaders.MEMBERS: ANY_MEMBER,
}


def may_read_boards(project: Project, user: User) -> bool:
    """Whether the project lets this member see its published leaderboards."""
    role = project.membership.role if project.membership else None
    return user.is_superuser or role in BOARD_READERS[project.board_readers]


def get_board_project(user: User, project_id: int) -> Project:
    """The project, if it lets the user see its leaderboards. Raises as `get_project` does."""
    project = get_project(user, project_id)
    return get_project(user, project_id, BOARD_READERS[project.board_readers])


def get_in_project(user: User, queryset, pk: int, roles: frozenset[Role] = ANY_MEMBER):
    """An object that has a `project`, under the same rules as `get_project`."""
    found = queryset.filter(pk=pk).first()
    if found is None:
        raise Http404(_("No such object, or you are not a member of its project."))
    found.project = get_project(user, found.project_id, roles)
    return found
