"""The card of a snapshot: what it tells, what it holds back, and that it never changes."""

import json
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.urls import reverse

from annotate.inputs import InvalidValue
from annotate.interchange.data_card import Agreement, CardFacts, Question, Voice, write_card
from annotate.models import JobState, Judge, Judgement, Membership, QualityRun, User
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.projects import update_project
from tests.annotate.kinds_at_work import CASES, judge

FACTS = CardFacts(
    project=3,
    number=2,
    kind="pairwise",
    holds="preferences",
    license="",
    sha256="f00d",
    made="2026-03-01",
    rows={"train": 1200, "test": 0},
    test_percent=12,
    filters=(("Judged by", "people only"),),
    rules=(("Ties", "Leave ties out"),),
    judgements=1250,
    days=("2026-01-01", "2026-02-01"),
    voices=(Voice("person", False, 1000), Voice("judge", False, 250)),
    routes={"people alone": 900, "people and AI judges": 100},
    judges={"rm v1": 250},
    people=12,
    tiers={"crowd": None, "expert": None, "no member now": 0},
    reads={"en": 12},
    forms={1: 1000, None: 250},
    languages={"en-GB": 10, "de": 3, "": 1},
    turned=0,
    agreement=None,
)


def header(card: str) -> dict:
    lines = card.split("---\n")[1].splitlines()
    return {name: json.loads(said) for name, said in (line.split(": ", 1) for line in lines)}


def test_the_header_is_what_the_hub_reads() -> None:
    found = header(write_card(FACTS))
    assert found["license"] == "unknown"
    assert found["language"] == ["de", "en"]
    assert found["size_categories"] == ["1K<n<10K"]
    assert found["configs"][0]["data_files"] == [{"split": "train", "path": "train-*.parquet"}]
    none = header(write_card(replace(FACTS, rows={"train": 0, "test": 0})))
    assert "configs" not in none


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CC-BY-4.0", {"license": "cc-by-4.0"}),
        ("ODbL-1.0", {"license": "odbl"}),
        ("MIT OR Apache-2.0", {"license": "other", "license_name": "MIT OR Apache-2.0"}),
    ],
)
def test_licences_are_named_as_the_hub_names_them(text, said) -> None:
    found = header(write_card(replace(FACTS, license=text)))
    assert {name: found.get(name) for name in said} == said
    assert ("license_name" in found) == ("license_name" in said)


def test_the_text_tells_shares_limits_and_what_is_held_back() -> None:
    card = write_card(FACTS)
    assert "people 1,000 (80.0 %), AI judges 250 (20.0 %)" in card
    assert "people alone 900 (90.0 %)" in card
    assert "| crowd | held back |" in card
    assert "Small counts are held back" in card
    assert "Its licence is not stated" in card
    assert "Nothing is held out" in card
    assert "version 1 (1,000 judgements), none (250 judgements)" in card
    assert "Not known: there was no report" in card


def test_agreement_stands_there_with_its_interval() -> None:
    question = Question("best", 40, (0.75, 0.61, 0.86), (0.5, None, None))
    card = write_card(replace(FACTS, agreement=Agreement("2026-02-02", 900, 40, (question,))))
    assert "| best | 40 | 75.0 (61.0 to 86.0) | 0.50 |" in card
    assert "40 of 900 tasks have two or more" in card
    assert "Few tasks were judged twice" in card


@pytest.fixture
def project(make_project, make_pair_tasks, make_user):
    project = make_project(license="CC-BY-4.0", test_percent=0)
    both = [make_user("quentin-x"), make_user("zora-y")]
    for task in make_pair_tasks(project, 3):
        judge(project, task, both, CASES["pairwise"])
    return project


@pytest.mark.django_db
def test_a_card_is_made_with_its_snapshot_and_stays(project) -> None:
    label = {"question": "", "overall": {"items": 3, "percent": None, "alpha": None}}
    human = {"tasks": 3, "double": 3, "questions": [label]}
    QualityRun.objects.create(
        project=project, state=JobState.DONE, report={"voices": {"human": human}}
    )
    snapshot = create_snapshot(project=project, actor=None)
    card = snapshot.card
    assert header(card)["license"] == "cc-by-4.0"
    assert f"`{snapshot.sha256}`" in card
    assert f"| train | {snapshot.rows} |" in card
    assert "people 6 (100.0 %)" in card
    assert "Fewer people than may be told" in card  # two
    assert "3 of 3 tasks have two or more" in card
    for user in User.objects.all():
        assert user.username not in card
    update_project(project=project, actor=project.created_by, license="MIT")
    snapshot.refresh_from_db()
    assert snapshot.card == card


@pytest.mark.django_db
def test_people_are_counted_by_tier_and_language(make_project, make_pair_tasks, make_user) -> None:
    project = make_project(test_percent=0)
    people = [make_user(f"p{n}") for n in range(12)]
    for n, user in enumerate(people):
        tier = "expert" if n < 5 else "crowd"
        Membership.objects.create(
            project=project,
            user=user,
            role="annotator",
            tier=tier,
            languages=["de", "en"][: 1 + (n < 6)],
        )
    [task] = make_pair_tasks(project, 1)
    for n in range(0, 12, 2):
        judge(project, task, people[n : n + 2], CASES["pairwise"])
    rm = Judge.objects.create(project=project, name="rm", version=1, kind="reward_model")
    given = Judgement.objects.first()
    Judgement.objects.create(
        project=project, task=task, kind="pairwise", value=given.value, source="judge", judge=rm
    )
    card = create_snapshot(project=project, actor=None).card
    assert "12 people." in card
    assert "| crowd | 7 |" in card
    assert "| expert | 5 |" in card
    assert "| de | 12 |" in card
    assert "| en | 6 |" in card
    assert "people and AI judges 1 (100.0 %)" in card
    assert "**AI judges:** rm v1 1 (100.0 %)" in card


@pytest.mark.django_db
def test_the_card_is_a_file_of_the_snapshot(project, client, tmp_path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the training extra")
    snapshot = create_snapshot(project=project, actor=None)
    client.force_login(project.created_by)
    page = client.get(reverse("download_snapshot_card", args=[snapshot.pk]))
    assert page.content.decode() == snapshot.card
    listed = client.get(f"/api/v1/snapshots/{snapshot.pk}/files/").json()
    [found] = [file for file in listed if file["name"] == "README.md"]
    assert found["split"] is None
    answer = client.get(found["url"])
    assert b"".join(answer.streaming_content).decode() == snapshot.card
    call_command("export_snapshot", project.pk, 1, tmp_path / "folder", verbosity=0)
    assert (tmp_path / "folder" / "README.md").read_text(encoding="utf-8") == snapshot.card
    loaded = datasets.load_dataset(str(tmp_path / "folder"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]  # no prompt is held out
    assert len(loaded["train"]) == snapshot.rows


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["my own", "MIT OR", "(MIT", "MIT\nBSD", "a" * 101])
def test_a_licence_is_an_spdx_expression(project, text) -> None:
    with pytest.raises(InvalidValue) as caught:
        update_project(project=project, actor=project.created_by, license=text)
    assert caught.value.field == "license"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["", "MIT", "(MIT OR Apache-2.0) AND CC-BY-4.0", "LicenseRef-Ours"]
)
def test_spdx_expressions_are_taken(project, text) -> None:
    assert update_project(project=project, actor=project.created_by, license=text).license == text
