"""AI judges and the policies that route between them and people."""

from collections.abc import Mapping
from typing import Any

from tandem_client.core.methods import Group, M, call
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, given, path_of, send
from tandem_client.shapes import Judge, JudgeRun, Policy

# `list` is a method below.
EveryJudge = list[Judge]
JudgeRuns = list[JudgeRun]
EveryPolicy = list[Policy]


class Judges(Group[M]):
    @call
    def list(self, project: int) -> Plan[EveryJudge]:
        return ask(get(path_of("projects", project, "judges")))

    @call
    def save(
        self,
        project: int,
        name: str,
        kind: str,
        config: Mapping[str, Any],
        *,
        limits: Mapping[str, Any] | None = None,
    ) -> Plan[Judge]:
        """A new judge, or a new version of the one with this name."""
        body = given(name=name, kind=kind, config=config, limits=limits)
        return ask(send("POST", path_of("projects", project, "judges"), body))

    @call
    def run(self, /, project: int, judge: int, **wish: Any) -> Plan[JudgeRun]:
        """Let it judge; wishes: purpose, most_tasks, retry_failed."""
        return ask(send("POST", path_of("projects", project, "judges", judge, "runs"), wish))

    @call
    def runs(self, project: int, judge: int) -> Plan[JudgeRuns]:
        return ask(get(path_of("projects", project, "judges", judge, "runs")))

    @call
    def cancel(self, project: int, run: int) -> Plan[JudgeRun]:
        path = path_of("projects", project, "judges", "runs", run, "cancel")
        return ask(send("POST", path, repeatable=True))


class Policies(Group[M]):
    @call
    def list(self, project: int) -> Plan[EveryPolicy]:
        return ask(get(path_of("projects", project, "routing", "policies")))

    @call
    def save(self, /, project: int, **policy: Any) -> Plan[Policy]:
        """A new policy, such as save(7, threshold=0.8, audit_share=0.1)."""
        return ask(send("POST", path_of("projects", project, "routing", "policies"), policy))

    @call
    def promote(self, policy: int) -> Plan[Policy]:
        return ask(send("POST", path_of("routing", "policies", policy, "promote"), repeatable=True))
