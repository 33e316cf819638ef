"""Jobs over REST that say why they go no further."""

from typing import Any

from rest_framework import serializers as s

from annotate.models import Job
from annotate.services.workers import Memo, why_waiting


class WaitingShape(s.ModelSerializer):
    """A job that says why it goes no further."""

    waits_because = s.SerializerMethodField(help_text="Why it goes no further, else empty.")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._memo: Memo = {}

    def get_waits_because(self, run: Job) -> str:
        why = why_waiting(run, self._memo)
        return why.message if why is not None else ""
