"""Projects: what is asked, and how far it is."""

from typing import Any

from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Plan, ask
from tandem_client.core.requests import get, path_of, send
from tandem_client.shapes import Progress, Project, Row


class Projects(Group[M]):
    @flow
    def list(self) -> Flow[Project]:
        """The projects one is a member of."""
        return Flow(read_pages("projects/"))

    @call
    def get(self, project: int) -> Plan[Project]:
        return ask(get(path_of("projects", project)))

    @call
    def create(self, /, name: str, **fields: Any) -> Plan[Project]:
        """A new project, such as create("Answers", kind="pairwise", overlap=2)."""
        return ask(send("POST", "projects/", {"name": name, **fields}))

    @call
    def change(self, /, project: int, **fields: Any) -> Plan[Project]:
        return ask(send("PATCH", path_of("projects", project), fields))

    @call
    def archive(self, project: int) -> Plan[None]:
        return ask(send("DELETE", path_of("projects", project)))

    @call
    def progress(self, project: int) -> Plan[Progress]:
        return ask(get(path_of("projects", project, "progress")))

    @call
    def presets(self, language: str = "en") -> Plan[Row]:
        """Kinds with settings to start from; what people read of them in that language."""
        return ask(get("presets/", {"language": language}))
