"""Jobs over REST that say why they go no further."""

from rest_framework import serializers as s

from annotate.models import Job
from annotate.services.workers import why_waiting


class WaitingShape(s.ModelSerializer):
    """With `waits_because`; name it among the fields."""

    waits_because = s.SerializerMethodField(help_text="Why it goes no further, else empty.")

    def get_waits_because(self, run: Job) -> str:
        why = why_waiting(run)
        return why.message if why is not None else ""
