"""Participants of a panel, each in a browser of their own."""

from django.test import Client
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.models import (
    Participation,
    User,
)
from annotate.services.work.judgements import submit_judgement

BACK = "https://panel.example/complete?cc={code}"
State = Participation.State


class Person:
    """A participant in a browser of their own."""

    def __init__(self, study, pid: str = "5f1a", **more: str) -> None:
        self.study, self.client = study, Client()
        self.query = {"PROLIFIC_PID": pid, "STUDY_ID": "s1", "SESSION_ID": "x1", **more}

    @property
    def address(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{reverse('panel_entry', args=[self.study.code])}?{query}"

    def enter(self):
        return self.client.post(self.address, follow=True)

    @property
    def user(self) -> User:
        return self.row.user

    @property
    def row(self) -> Participation:
        return Participation.objects.get(study=self.study, participant=self.query["PROLIFIC_PID"])


def judge_all(person) -> None:
    """Answers through the service, as many as are handed out."""
    project = person.study.project
    while lease := lease_seat(project=project, user=person.user):
        value = {"verdict": "prefer", "preferred": lease.responses[0]["id"], "strength": 1}
        submit_judgement(seat_id=lease.seat_id, user=person.user, value=value)
