"""What the first visit to the work page costs on the wire, from the real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.scratch import wait_healthy
from config.supervisor import web_service
from tests.browser.desk import open_desk
from tests.browser.marking import suggest
from tests.faults.processes import ROOT, free_port
from tests.waiting import PATIENCE

MOST_BYTES = 150_000
COLLECT = "import django; django.setup(); from config.static import collect_if_changed as c; c()"


@pytest.fixture
def address(transactional_db, tmp_path: Path):
    """A web server as bin/serve runs it, with collected static files, on the test's database."""
    given = connection.get_connection_params()
    words = [
        f"{key}={given[key]}" for key in ("dbname", "user", "password", "host") if key in given
    ]
    environment = {
        **os.environ,
        "DATABASE_URL": " ".join([*words, f"port={given.get('port', 5432)}"]),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "TANDEM_VAR": str(tmp_path),
        "TANDEM_LOG_LEVEL": "ERROR",
        "WEB_WORKERS": "1",
    }
    subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, env=environment, check=True)
    port = free_port()
    command = web_service("127.0.0.1", port).command
    command[command.index("--workers") + 1] = "1"
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_healthy(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def test_the_first_load_is_small(
    launch, address, client, make_user, make_project, add_member, make_pair_tasks
):
    """Of a pair, and of what takes most: marking spans beside what a judge suggests."""
    ada = make_user("ada")
    pairs = make_project(guidelines="Prefer **true** answers.")
    marks = make_project(kind="spans", kind_settings={"suggestions": True, "blind_percent": 0})
    for project in (pairs, marks):
        add_member(project, ada)
        tasks = make_pair_tasks(project, 3)
    for task in tasks:
        suggest(task, "Big", ["Answer"], "Answer a to 0.")
    context = launch().new_context(base_url=address)
    client.force_login(ada)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}]
    )
    for project, shown in ((pairs, ".response"), (marks, ".span-box.is-suggested")):
        by_address, answers = first_load(context, project, shown)
        static = {url: found for url, found in answers.items() if "/static/" in url}
        assert len(static) > 15, "styles and modules of the page"
        assert sum(by_address.values()) < MOST_BYTES, by_address
        assert all(found["status"] == 200 for found in answers.values())
        for url, found in answers.items():
            headers = {name.lower(): value for name, value in found["headers"].items()}
            is_small = by_address[url] < 1500
            assert headers.get("content-encoding") == "gzip" or is_small, url
            assert url not in static or "immutable" in headers["cache-control"], url
        print(
            f"{project.kind}: {sum(by_address.values()):,.0f} bytes in {len(by_address)} responses"
        )


def first_load(context, project, shown: str) -> tuple[dict[str, float], dict[str, dict]]:
    """The bytes on the wire, and the answers, by address; `shown` is there once scripts ran."""
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    addresses: dict[str, str] = {}
    answers: dict[str, dict] = {}
    sizes: dict[str, float] = {}
    wire.on(
        "Network.responseReceived",
        lambda event: (
            addresses.update({event["requestId"]: event["response"]["url"]}),
            answers.update({event["response"]["url"]: event["response"]}),
        ),
    )
    wire.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    open_desk(page, project)
    page.locator(shown).first.wait_for()
    page.wait_for_load_state("networkidle")
    while addresses.keys() - sizes.keys():
        page.wait_for_timeout(50)
    page.close()
    return {addresses[one]: size for one, size in sizes.items() if one in addresses}, answers
