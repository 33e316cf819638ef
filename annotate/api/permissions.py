"""What a token may do. A signed-in browser may do all that its user may."""

from django.http import Http404
from rest_framework.permissions import SAFE_METHODS, BasePermission

from annotate.models import ApiToken, Judgement, Seat


class HasScope(BasePermission):
    """The view's `scope` for writes (default manage) and read for GET.

    A view whose GET changes something (leasing a seat) sets `read_scope`.
    """

    message = "This token lacks the scope."

    def has_permission(self, request, view) -> bool:
        if not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        if request.auth.project_id is not None and not self._may_be_here(request, view):
            return False
        needed = needed_scope(view, request.method)
        if needed in request.auth.scopes:
            return True
        self.message = (
            f"This token lacks the scope {needed}; it has: {', '.join(request.auth.scopes)}."
        )
        return False

    def _may_be_here(self, request, view) -> bool:
        """Whether a project's token may ask this address. Raises Http404 for other projects.

        Rows that are named by their own id come through access.py, which looks at the project;
        seats and judgements, which go straight to whoever holds them, are looked up here.
        """
        project, named = request.auth.project_id, view.kwargs
        rows = {
            "seat_id": Seat.objects.filter(task__project=project),
            "judgement_id": Judgement.objects.filter(project=project),
        }
        if named.get("project_id", project) != project:
            raise Http404("This token is for another project.")
        for name, own in rows.items():
            if name in named and not own.filter(pk=named[name]).exists():
                raise Http404("There is no such row in the project of this token.")
        if named or getattr(view, "is_for_project_tokens", False):
            return True
        self.message = "This token is for one project alone; use one of your own here."
        return False


def needed_scope(view: object, method: str) -> str:
    """The scope that a token needs for this method of the view."""
    if method in SAFE_METHODS:
        return getattr(view, "read_scope", "read")
    return getattr(view, "scope", "manage")
