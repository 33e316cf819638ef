"""import_data and export_data."""

import json

import pytest
from django.core.management import CommandError, call_command

from annotate.models import Seat
from tests.annotate.judged_by_many import computed, judged_project
from tests.annotate.media import making

pytestmark = pytest.mark.django_db
PAIRS = [{"prompt": f"Q{n}", "chosen": "yes", "rejected": "no"} for n in range(5)]


@pytest.fixture
def pairs_file(tmp_path):
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, [*PAIRS, {"x": 1}])))
    return file


def test_in_and_out(make_project, pairs_file, tmp_path, capsys):
    project = make_project(overlap=2)
    call_command("import_data", project.pk, pairs_file)
    said = capsys.readouterr()
    assert "trl: 5 created, 0 updated, 0 skipped, 1 refused" in said.out
    assert "line 6, chosen" in said.err
    output = tmp_path / "out.jsonl"
    call_command("export_data", project.pk, "--output", output)
    assert [json.loads(line) for line in output.read_text().splitlines()] == PAIRS
    call_command("import_data", project.pk, pairs_file, "--labels", "tasks", "--format", "trl")
    assert Seat.objects.count() == 10


def test_errors_are_told(make_project, pairs_file, tmp_path):
    project = make_project()
    for args, words in (
        (("import_data", 0, pairs_file), "no project"),
        (("import_data", project.pk, tmp_path / "none"), "No such file"),
        (("import_data", project.pk, pairs_file, "--mapping", "x"), "key:value"),
        (("import_data", project.pk, pairs_file, "--overlap", "0"), "1 to 100"),
        (("export_data", 0), "no project"),
        (("export_data", project.pk, "--format", "raw", "--tie-rule", "half"), "no place there"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command(*args)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(CommandError, match="empty"):
        call_command("import_data", project.pk, tmp_path / "empty")


def test_what_tasks_came_to_goes_out_too(
    make_project, make_pair_tasks, make_user, add_member, client, tmp_path
):
    """As over REST, byte for byte."""
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    computed(project)
    output = tmp_path / "out.jsonl"
    arguments = ("--aggregate", "majority", "--voices", "judges", "--output", output)
    call_command("export_data", project.pk, *arguments)
    client.force_login(project.created_by)
    query = "?aggregate=majority&voices=judges"
    answer = client.get(f"/api/v1/projects/{project.pk}/export/{query}")
    assert output.read_bytes() == answer.getvalue()
    assert len(output.read_text().splitlines()) == 8
    for wrong, words in (
        (("--voices", "human"), "give both"),
        (("--aggregate", "majority", "--format", "raw", "--tie-rule", "half"), "--format, --tie"),
        (("--aggregate", "majority", "--voices", "simulated"), None),
        (("--aggregate", "span_vote", "--voices", "simulated"), "Compute the report"),
    ):
        if words is None:
            call_command("export_data", project.pk, *wrong, "--output", output)
            continue
        with pytest.raises(CommandError, match=words):
            call_command("export_data", project.pk, *wrong)


def test_files_are_found_by_name(make_project, add_file, tmp_path, capsys):
    project = make_project()
    for number, name in enumerate(("a.png", "b.png")):
        add_file(project, making.picture("PNG", 40 + number, 30), name)
    rows = [
        {"prompt": "Draw.", "responses": [{"content": {"image": name}} for name in names]}
        for names in (("a.png", "b.png"), ("a.png", "no.png"))
    ]
    file = tmp_path / "drawn.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    call_command("import_data", project.pk, file)
    said = capsys.readouterr()
    assert "responses: 1 created, 0 updated, 0 skipped, 1 refused" in said.out
    assert "line 2, responses[1].content.image: No file 'no.png' was uploaded here" in said.err
