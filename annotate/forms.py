"""The form that a task is asked under: a kind with its settings, at one version."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from annotate import kinds, suggestions
from annotate.inputs import InvalidValue
from annotate.kinds import Kind
from annotate.kinds.contract import Shown, ShownResponse, Suggested
from annotate.kinds.form_settings import FormSettings, suggesting
from annotate.kinds.span_settings import SpansSettings
from annotate.models import FormVersion, Judgement, Project
from annotate.models.chat import oldest_heartbeat
from annotate.statements import fetch_one

CONTENT = """
SELECT t.context::text, p.passages::text,
       (SELECT json_agg(json_build_object('id', r.id, 'content', r.content))::text
        FROM annotate_response r WHERE r.id = ANY(%(responses)s::bigint[])),
       (SELECT json_build_object('id', s.id, 'replies', coalesce((
            SELECT json_agg(coalesce((
                SELECT json_agg(a.letter ORDER BY a.letter) FROM annotate_chatreply a
                WHERE a.turn_id = u.id AND a.state IN ('done', 'stopped') AND a.text <> ''
            ), '[]') ORDER BY u.number)
            FROM annotate_chatturn u WHERE u.session_id = s.id), '[]'),
            'running', coalesce((
                SELECT json_agg(DISTINCT u.number) FROM annotate_chatreply a
                JOIN annotate_chatturn u ON u.id = a.turn_id
                WHERE u.session_id = s.id AND a.state = 'streaming'
                  AND a.heartbeat_at > %(alive)s::timestamptz), '[]'))::text
        FROM annotate_chatsession s
        WHERE s.task_id = t.id AND s.annotator_id = %(annotator)s::bigint)
FROM annotate_task t JOIN annotate_prompt p ON p.id = t.prompt_id
WHERE t.id = %(task)s::bigint
"""


@dataclass(frozen=True)
class Form:
    """`settings` are the kind's own, cleaned. `version` is the id of the FormVersion, if any."""

    kind: str
    settings: Any
    version: int | None = None

    @classmethod
    def read(cls, kind: str, kind_settings: str | Mapping, version: int | None = None) -> "Form":
        """From stored settings, as JSON text or not. Raises InvalidValue, KeyError."""
        text = kind_settings if isinstance(kind_settings, str) else json.dumps(kind_settings)
        return cls(kind, _clean_settings(kind, text), version)

    @classmethod
    def of_project(cls, project: Project) -> "Form":
        """As the project asks now."""
        return cls.read(project.kind, project.kind_settings, project.form_version_id)

    @classmethod
    def as_shown(cls, project: Project, version: int | None) -> "Form":
        """As the page showed it that names this version; without one, as the project asks now.

        Raises InvalidValue for a version that is not the project's.
        """
        if version is None or version == project.form_version_id:
            return cls.of_project(project)
        found = project.form_versions.filter(pk=version).first()
        if found is None:
            raise no_form()
        return cls.read(found.kind, found.kind_settings, found.pk)

    @classmethod
    def of_judgement(cls, judgement: Judgement) -> "Form":
        """As its author saw it; in a project without versions, as the project asks."""
        version = version_of(judgement)
        if version is None:
            return cls.read(judgement.kind, judgement.project.kind_settings)
        return cls.read(version.kind, version.kind_settings, version.pk)

    @property
    def module(self) -> Kind:
        return kinds.get(self.kind)

    @property
    def asked_kinds(self) -> frozenset[str]:
        """The kind itself, or those of the questions of a form."""
        if isinstance(self.settings, FormSettings):
            return frozenset(question.kind for question in self.settings.questions)
        return frozenset([self.kind])

    @property
    def suggesting(self) -> SpansSettings | None:
        """The settings of the question that shows what AI judges suggest; None without any."""
        settings = self.settings
        if isinstance(settings, FormSettings):
            question = suggesting(settings)
            settings = question.settings if question is not None else None
        return settings if isinstance(settings, SpansSettings) and settings.suggestions else None

    @property
    def shows_suggestions(self) -> bool:
        return self.suggesting is not None

    def suggested(
        self,
        *,
        task_id: int,
        seat_id: int | None,
        annotator_id: int,
        told: Collection[int] | None = None,
    ) -> tuple[Suggested, ...]:
        """What AI judges propose to this person. `told`: of an earlier answer that is changed,
        the ids that it tells of. No query where the form shows none, else at most two.
        """
        settings = self.suggesting
        if settings is None:
            return ()
        if told is not None:
            return suggestions.of_ids(task_id=task_id, ids=told)
        return suggestions.for_seat(
            task_id=task_id,
            seat_id=seat_id,
            annotator_id=annotator_id,
            blind_percent=settings.blind_percent,
        )

    def clean_value(
        self,
        raw: object,
        *,
        task_id: int,
        response_ids: Sequence[int],
        annotator_id: int,
        rationale: str,
        seat_id: int | None = None,
        told: Collection[int] | None = None,
    ) -> dict[str, Any]:
        """The answer in its stored form. Raises InvalidValue.

        One query for contents if the kind looks into them, else none, and those of `suggested`.
        The context's `session` is the conversation that this person holds at the task, whatever
        the task says.
        """
        if kinds.needs_content(self.module, self.settings):
            shown = _with_content(task_id, response_ids, annotator_id)
        else:
            shown = Shown.of_ids(response_ids)
        if self.shows_suggestions:
            proposed = self.suggested(
                task_id=task_id, seat_id=seat_id, annotator_id=annotator_id, told=told
            )
            shown = replace(shown, suggestions=proposed)
        return self.module.clean_value(
            raw, shown=shown, settings=self.settings, rationale=rationale
        )


def version_of(judgement: Judgement) -> FormVersion | None:
    """What its author was asked, with the guidelines of that time; None if nothing is known of it.

    A judgement of before there were versions has the first, which is the form of that time.
    """
    return judgement.form_version or judgement.project.form_versions.order_by("number").first()


def no_form() -> InvalidValue:
    """What to say of a version that the project does not have."""
    return InvalidValue("form", "is no form of this project; send the id that `next` gave")


@lru_cache(maxsize=1000)
def _clean_settings(kind: str, kind_settings: str) -> Any:
    return kinds.get(kind).clean_settings(json.loads(kind_settings))


def _with_content(task_id: int, response_ids: Sequence[int], annotator_id: int) -> Shown:
    parameters = {
        "task": task_id,
        "responses": list(response_ids),
        "annotator": annotator_id,
        "alive": oldest_heartbeat(),
    }
    found = [json.loads(text or "null") for text in fetch_one(CONTENT, parameters)]
    context, passages, responses, session = found
    context.pop("session", None)
    if session is not None:
        context["session"] = session
    content = {response["id"]: tuple(response["content"]) for response in responses or ()}
    return Shown(
        responses=tuple(ShownResponse(pk, content[pk]) for pk in response_ids),
        passages=tuple(passages),
        context=context,
    )
