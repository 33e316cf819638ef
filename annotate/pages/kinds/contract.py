"""What a kind brings to the work page. docs/adding-a-kind.md tells all of it, with the script."""

from typing import TYPE_CHECKING, Any, Protocol

from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise

if TYPE_CHECKING:
    from annotate.pages.shown import ShownTask


class PagePart(Protocol):
    """A module of `annotate/pages/kinds`.

    `TITLE` is the question in words, where the form gives it none of its own. Of the three
    places, the bar at the foot, under every response and the panel beside them, each may be
    `None`. `SCRIPT` is a static path or `None`; `STYLES` are static paths in the order in which
    they apply, what kinds share first. With `MARKS_TEXT` the responses are rendered so that
    ranges of their source can be marked.
    """

    TITLE: str | Promise
    TEMPLATE: str | None
    RESPONSE_TEMPLATE: str | None
    SIDE_TEMPLATE: str | None
    SCRIPT: str | None
    STYLES: tuple[str, ...]
    MARKS_TEXT: bool

    def context(self, settings: Any, task: "ShownTask", value: object) -> dict[str, Any]:
        """The variables of the templates.

        `value` is a stored value, or what `read` gave, which may be wrong in any way, or None.
        Known names: "keys" (pairs of keys and words, for the sheet of keys), "by_response"
        (further variables by response id, for the template under it); "show_bar", "show_responses"
        and "show_side" (False leaves that place out); "above" (a template without controls, to
        stand over every response).
        """

    def read(self, post: MultiValueDict, prefix: str) -> object:
        """The value that the form's fields hold, unchecked; None when they are untouched."""
