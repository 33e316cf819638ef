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
        if request.method in SAFE_METHODS:
            needed = getattr(view, "read_scope", "read")
        else:
            needed = getattr(view, "scope", "manage")
        if needed in request.auth.scopes:
            return True
        self.message = (
            f"This token lacks the scope {needed}; it has: {', '.join(request.auth.scopes)}."
        )
        return False
