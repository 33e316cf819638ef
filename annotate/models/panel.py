"""Studies that panels of paid participants send people to, and who came by them."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Project


def new_study_code() -> str:
    """What the address ends in."""
    return secrets.token_hex(6)


def new_completion_code() -> str:
    return secrets.token_hex(4).upper()


class PanelStudy(models.Model):
    """One study at a panel: how its links are read, what each person does, what they are told."""

    # Look-ups by project go through the index below.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="panel_studies", db_index=False
    )
    code = models.CharField(max_length=24, default=new_study_code, editable=False)
    name = models.CharField(max_length=200)
    participant_parameter = models.CharField(max_length=40, default="PROLIFIC_PID")
    study_parameter = models.CharField(max_length=40, default="STUDY_ID")
    session_parameter = models.CharField(max_length=40, default="SESSION_ID")
    signed = models.BooleanField(default=False, help_text="Whether links must carry a signature.")
    nonce = models.CharField(max_length=24, default=new_study_code, editable=False)
    tasks_each = models.PositiveIntegerField(
        default=0, help_text="Tasks of one participation; 0: as many as there are."
    )
    places = models.PositiveIntegerField(default=0, help_text="Participants in all; 0: no limit.")
    taken = models.PositiveIntegerField(default=0, help_text="Participants so far.")
    return_url = models.CharField(
        max_length=500, blank=True, help_text="Where people go back to; {code} is the code."
    )
    code_completed = models.CharField(max_length=40, default=new_completion_code)
    code_screened_out = models.CharField(max_length=40, default=new_completion_code)
    code_no_consent = models.CharField(max_length=40, default=new_completion_code)
    code_nothing_left = models.CharField(max_length=40, default=new_completion_code)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # The page of a project's studies, the newest first.
            models.Index(fields=["project", "-id"], name="panel_study_of_project"),
        ]
        constraints = [
            # Found by it at every entry.
            models.UniqueConstraint(fields=["code"], name="panel_study_code_unique"),
            models.CheckConstraint(
                name="panel_study_places_kept", condition=Q(places=0) | Q(taken__lte=F("places"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Participation(models.Model):
    """One participant of one study. The panel's ids stay here: exports name the pseudonym."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Taking part")
        COMPLETED = "completed", _("Completed")
        SCREENED_OUT = "screened_out", _("Screened out")
        NO_CONSENT = "no_consent", _("Did not agree")
        NOTHING_LEFT = "nothing_left", _("Nothing left to do")
        RETURNED = "returned", _("Returned")
        TIMED_OUT = "timed_out", _("Timed out")

    # Look-ups by study go through the index and the constraint below.
    study = models.ForeignKey(
        PanelStudy, on_delete=models.CASCADE, related_name="participations", db_index=False
    )
    # What stands for the id of somebody who ended their account begins so.
    FORGOTTEN = "ended:"

    participant = models.CharField(
        max_length=100, help_text="The panel's id of the person; FORGOTTEN and a hash of it."
    )
    panel_study = models.CharField(max_length=100, blank=True, help_text="The panel's own id.")
    session = models.CharField(max_length=100, blank=True)
    # The index: whose participation the work page is about.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="participations"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    done_before = models.PositiveIntegerField(help_text="The member's done_count at the start.")
    done = models.PositiveIntegerField(null=True, help_text="Tasks done, once it is over.")
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # The page of a study's participants, the newest first.
            models.Index(fields=["study", "-id"], name="participation_of_study"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "participant"], name="participation_once_a_study"
            ),
            models.UniqueConstraint(
                fields=["user"], name="participation_one_active", condition=Q(state="active")
            ),
            models.CheckConstraint(
                name="participation_state_known",
                condition=Q(
                    state__in=[
                        "active",
                        "completed",
                        "screened_out",
                        "no_consent",
                        "nothing_left",
                        "returned",
                        "timed_out",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="participation_ended_whole",
                condition=Q(state="active", ended_at__isnull=True, done__isnull=True)
                | ~Q(state="active") & Q(ended_at__isnull=False, done__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.participant} in {self.study_id}"

    @property
    def is_forgotten(self) -> bool:
        """Whether the person ended their account, so that the panel's id is gone."""
        return self.participant.startswith(self.FORGOTTEN)

    @property
    def code(self) -> str:
        """The completion code of the outcome; empty while there is none, and for whom the panel
        took out."""
        return str(getattr(self.study, f"code_{self.state}", ""))
