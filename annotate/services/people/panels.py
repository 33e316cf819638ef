"""Studies of panels: made and changed by managers; what their links look like."""

import hashlib
import hmac
import re
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from annotate.inputs import Checks, InvalidValue, clean_boolean, clean_integer, clean_text
from annotate.models import PanelStudy, Project, User
from annotate.services import audit
from annotate.services.people.joining import require_may_assign

MOST = 1_000_000
PARAMETERS = ("participant_parameter", "study_parameter", "session_parameter")
CODES = ("code_completed", "code_screened_out", "code_no_consent", "code_nothing_left")
FIELDS = ("name", *PARAMETERS, "signed", "tasks_each", "places", "return_url", *CODES)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_is_url = URLValidator(schemes=["http", "https"])


@transaction.atomic
def create_study(
    *, project: Project, actor: User, address: str | None = None, **fields: object
) -> PanelStudy:
    """A new study; `fields` are FIELDS, `name` among them. Raises InvalidValue(s)."""
    require_may_assign(project, actor)
    study = PanelStudy(project=project, created_by=actor)
    _fill(study, {"name": "", **fields})
    study.save()
    _record(study, actor, address, action="panel.created")
    return study


@transaction.atomic
def change_study(
    *,
    study: PanelStudy,
    actor: User,
    is_open: object = None,
    address: str | None = None,
    **fields: object,
) -> PanelStudy:
    """Change FIELDS, for whoever comes from now on; a closed study lets nobody new in.

    Raises InvalidValue(s).
    """
    study = (
        PanelStudy.objects.select_related("project").select_for_update(of=["self"]).get(pk=study.pk)
    )
    require_may_assign(study.project, actor)
    _fill(study, fields)
    if is_open is not None:
        opens = clean_boolean("open", is_open)
        study.closed_at = None if opens else study.closed_at or timezone.now()
    study.save()
    _record(study, actor, address, action="panel.changed")
    return study


def signing_key(study: PanelStudy) -> str:
    """The key that a panel signs links with, as managers see it. A new SECRET_KEY changes it."""
    return salted_hmac(
        "annotate.panel", f"{study.pk}:{study.nonce}", algorithm="sha256"
    ).hexdigest()


def signature(study: PanelStudy, participant: str, panel_study: str, session: str) -> str:
    """What a signed link carries as SIGNATURE: HMAC-SHA-256, in hex, of the three values with a
    line feed between them.
    """
    message = "\n".join((participant, panel_study, session)).encode()
    return hmac.new(signing_key(study).encode(), message, hashlib.sha256).hexdigest()


def entry_link(study: PanelStudy, site: str) -> str:
    """The address at `site`, such as https://host, with the places that Prolific fills in."""
    names = {name: f"{{{{%{name}%}}}}" for name in (getattr(study, one) for one in PARAMETERS)}
    query = "&".join(f"{name}={place}" for name, place in names.items())
    return f"{site.rstrip('/')}{reverse('panel_entry', args=[study.code])}?{query}"


def return_link(study: PanelStudy, code: str) -> str:
    """Where a participant goes back to with this code; empty without an address or a code."""
    if not study.return_url or not code:
        return ""
    return study.return_url.replace("{code}", urlencode({"": code})[1:])


def _fill(study: PanelStudy, fields: dict[str, object]) -> None:
    checks = Checks()
    cleaned: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in FIELDS:
            raise InvalidValue(
                name, "unknown field; there are: {known}", known=", ".join(sorted(FIELDS))
            )
        cleaned[name] = checks.of(_clean, name, value)
    checks.end()
    for name, value in cleaned.items():
        setattr(study, name, value)
    if len({getattr(study, name) for name in PARAMETERS} | {"SIGNATURE"}) < 4:
        raise InvalidValue(
            "participant_parameter", "the parameters need names of their own, not SIGNATURE"
        )
    if study.places and study.places < study.taken:
        raise InvalidValue(
            "places", "{taken} people came already; give as many at least", taken=study.taken
        )


def _clean(name: str, value: object) -> object:
    if name == "signed":
        return clean_boolean(name, value)
    if name in ("tasks_each", "places"):
        return clean_integer(name, value, low=0, high=MOST)
    text = clean_text(name, value, max_chars=500, lines=False).strip()
    if name == "name":
        return clean_text(name, text, max_chars=200, lines=False, required=True)
    if name in PARAMETERS and not _NAME.fullmatch(text):
        raise InvalidValue(name, "must be letters, digits, _ and -, such as PROLIFIC_PID")
    if name in CODES and not _CODE.fullmatch(text):
        raise InvalidValue(name, "must be up to 40 letters, digits, _ and -, such as C1A2B3")
    if name == "return_url" and text:
        _require_return_url(text)
    return text


def _require_return_url(text: str) -> None:
    try:
        _is_url(text.replace("{code}", "C1"))
    except ValidationError as error:
        raise InvalidValue(
            "return_url", "is no address; it begins with http:// or https://"
        ) from error
    if text.count("{code}") != 1:
        raise InvalidValue(
            "return_url", "must hold {place} once, where the code goes", place="{code}"
        )


def _record(study: PanelStudy, actor: User, address: str | None, *, action: str) -> None:
    audit.record(
        action=action,
        target=study,
        actor=actor,
        project=study.project,
        address=address,
        name=study.name,
        tasks_each=study.tasks_each,
        places=study.places,
    )
