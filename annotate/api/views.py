"""What all views of the API have in common."""

from typing import Any

from rest_framework import views
from rest_framework.request import Request
from rest_framework.response import Response

from annotate.api.field_selection import Tree, read_selection, select, selectable


class APIView(views.APIView):
    """A view whose answers to GET have, where the caller says so, some of their fields alone.

    `?fields=` is read before the method runs; `asks_for` lets it leave out what nobody asked for.
    """

    selection: Tree | None = None

    def initial(self, request: Request, *arguments: Any, **named: Any) -> None:
        super().initial(request, *arguments, **named)
        reads = request.method in ("GET", "HEAD") and hasattr(self, "get")
        if reads and "fields" in request.query_params:
            self.selection = read_selection(request, selectable(self))

    def check_permissions(self, request: Request) -> None:
        """What is refused counts as well, else a token that may do nothing here could ask on."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Has been done, before the permissions were looked at."""

    def asks_for(self, name: str) -> bool:
        """Whether the caller wants the answer's field of that name."""
        return self.selection is None or name in self.selection

    def finalize_response(
        self, request: Request, response: Any, *arguments: Any, **named: Any
    ) -> Any:
        is_plain = isinstance(response, Response) and response.status_code == 200
        if self.selection is not None and is_plain:
            response.data = select(response.data, self.selection)
        return super().finalize_response(request, response, *arguments, **named)
