"""REST: why what the system does by itself does not work."""

from rest_framework import serializers as s


class FailureShape(s.Serializer):
    since = s.DateTimeField(help_text="When it failed first, after it last worked.")
    at = s.DateTimeField(help_text="When it failed last.")
    message = s.CharField()

    class Meta:
        ref_name = "UpkeepFailure"
