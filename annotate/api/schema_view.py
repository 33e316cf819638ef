"""The OpenAPI document as its address gives it."""

from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from annotate.kinds import InvalidValue

FORMATS = ("json", "yaml")


class Schema(SpectacularAPIView):
    """Takes `?format=` itself: elsewhere it names a file format, so the setting leaves it alone."""

    def get_format_suffix(self, **kwargs: object) -> str | None:
        """What `?format=` asks for, else None: then the header `Accept` decides."""
        request: Request = self.request
        asked = request.query_params.get("format")
        if asked is not None and asked not in FORMATS:
            self.format_kwarg = "json"  # in which the refusal is written
            raise InvalidValue("format", "must be json or yaml")
        return asked
