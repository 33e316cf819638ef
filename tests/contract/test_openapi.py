"""What the API answers, held against its own document by every check of schemathesis.

The requests come from the document alone, the same ones each time: what it allows and forbids,
undeclared methods, missing and wrong tokens, odd content types. Each meets the same rows and is
undone, so none sees what another did. `python -m pytest tests/contract -k "part0"` runs a quarter.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,
    response_schema_conformance,
)

from annotate.api.docs import openapi_document
from tests.contract.rows import Rows, make_rows

pytestmark = [pytest.mark.django_db, pytest.mark.long]

PARTS = 4
EXAMPLES = 2  # drawn at random (but the same each time), beside those that cover each rule
# Reads whose parameters name rows (a team, a person) or say more than a schema can (days, key:value
# pairs, times without leap seconds), what needs a state that the rows are not in, and what an ETag
# that is none of theirs keeps from being removed.
MAY_BE_REFUSED = {
    "archive_project",
    "compare_snapshots",
    "delete_evaluation_set",
    "delete_schedule",
    "delete_team",
    "delete_webhook",
    "estimate_budget",
    "export_preferences",
    "get_pay_sheet",
    "get_principles_outlook",
    "list_judgements",
    "list_members",
    "list_review_queue",
    "list_snapshot_changes",
    "list_snapshot_consensus_changes",
    "remove_member",
    "resume_loop",
    "shadow_routing_policy",
    "withdraw_consent",
}


@pytest.fixture
def rows(db, settings) -> Rows:
    """More is asked in a minute than any program may, and nobody serves what is waited for."""
    settings.API_LIMITS = {
        name: {**limit, "most": 1_000_000} for name, limit in settings.API_LIMITS.items()
    }
    settings.SERVING = {**settings.SERVING, "wait": 0}
    return make_rows()


@pytest.fixture
def schema(rows) -> Iterator[Any]:
    """The document, with the application that answers in this process and transaction."""
    found = schemathesis.openapi.from_dict(openapi_document())
    found.app = get_wsgi_application()
    # Drawn ETags are nobody's: 412 may come before anybody looks at the body.
    checks = found.config.checks
    for check in (checks.negative_data_rejection, checks.positive_data_acceptance):
        check.expected_statuses = [*check.expected_statuses, "412"]
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield found
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("part", [f"part{number}" for number in range(PARTS)])
def test_every_answer_is_as_the_document_says(schema, rows, part, caplog):
    caplog.set_level("CRITICAL")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 200
    failures: dict[str, str] = {}
    cases = 0
    for operation in operations[int(part[-1]) :: PARTS]:
        for case, failed in _cases(operation, rows, schema.config):
            cases += 1
            for failure in failed:
                said = f"{operation.label}: {failure.title}: {failure.message}"
                failures.setdefault(said, case.as_curl_command())
    assert cases > 1000
    assert not failures, "\n\n".join(f"{said}\n{how}" for said, how in failures.items())


def _cases(operation: Any, rows: Rows, config: Any) -> list[tuple[Any, list[Any]]]:
    """Each request to the operation, with what was wrong with its answer."""
    done = []
    called = operation.definition.raw["operationId"]
    refusable = bool(operation.body) or called in MAY_BE_REFUSED

    def send(case: Any) -> None:
        for name, value in (case.path_parameters or {}).items():
            row = rows.find(operation.path, name)
            if row is not None and isinstance(value, type(row)):
                case.path_parameters[name] = row
        failed: list[Any] = []
        # A cursor is what a page gave, which no drawn text is.
        refused = refusable or "cursor" in (case.query or {})
        excluded = [positive_data_acceptance] if refused else []
        with transaction.atomic():
            chosen = case.method == "GET" and "fields" in (case.query or {})
            # What is not asked for is not there, though the document requires it.
            without = [*excluded, response_schema_conformance] if chosen else excluded
            try:
                answer = case.call_and_validate(
                    headers={"Authorization": f"Token {rows.secret}"}, excluded_checks=without
                )
                if chosen and answer.status_code == 200:
                    assert _has_only(answer.json(), case.query["fields"])
            except FailureGroup as group:
                failed = list(group.exceptions)
            transaction.set_rollback(True)
        done.append((case, failed))

    wanted = HypothesisTestConfig(
        project=config,
        modes=[*HypothesisTestMode],
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[*HealthCheck],
        ),
    )
    create_test(operation=operation, test_func=send, config=wanted)()
    return done


def _has_only(body: Any, chosen: str) -> bool:
    is_page = isinstance(body, dict) and body.keys() >= {"next", "results"}
    rows = body["results"] if is_page else body
    names = {path.partition(".")[0] for path in chosen.split(",")}
    return all(row.keys() <= names for row in (rows if isinstance(rows, list) else [rows]))
