"""What a token may do. A signed-in browser may do all that its user may."""

from rest_framework.permissions import SAFE_METHODS, BasePermission

from annotate.models import ApiToken


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
        needed = needed_scope(view, request.method)
        if needed in request.auth.scopes:
            return True
        self.message = (
            f"This token lacks the scope {needed}; it has: {', '.join(request.auth.scopes)}."
        )
        return False


def needed_scope(view: object, method: str) -> str:
    """The scope that a token needs for this method of the view."""
    if method in SAFE_METHODS:
        return getattr(view, "read_scope", "read")
    return getattr(view, "scope", "manage")
