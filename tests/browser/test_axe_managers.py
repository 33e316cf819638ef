"""axe-core finds nothing wrong on managers' pages, empty and with everything on them."""

import io
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotate.handout import lease_seat
from annotate.models import ImportRun, JobState, Project, Response, Seat, Snapshot
from annotate.services import jobs
from annotate.services.incoming.import_runs import run_import
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.work.judgements import submit_judgement
from routing.models import Decision, JudgeRun, PolicyFit, RoutingPolicy, RoutingRun
from routing.services.fitting import run_fit
from routing.services.judge_runs import run_judge, start_judging
from routing.services.judges import save_judge
from routing.services.passes import run_routing
from routing.services.policies import current_judge, promote_policy
from tests.annotate.judged_by_many import computed
from tests.annotate.media import making
from tests.browser.axe import CALM, Axe
from tests.routing.judges.scripts import SCRIPTS
from tests.routing.length_judge import lengthen
from tests.routing.planted import rows as planted_rows
from tests.routing.planted import take_in
from tests.training.judged import label_first
from tests.training.loop_driver import begin, whole_round
from tests.training.pages.test_evaluations import finished
from tests.training.pages.test_runs import REWARD
from training import folders
from training.evaluation.best_of_n import best_of_n_figures
from training.evaluation.gate import ScoredPair
from training.models import EvaluationRun, ModelVersion, RunMetric, Schedule, TrainingRun
from training.services.advance import advance_loops
from training.services.evaluation_sets import add_evaluation_set

EMPTY = (
    *("", "tasks/", "import/", "export/", "media/", "judges/", "routing/", "training/"),
    "training/models/",
)
FORMS = (
    *("settings/", "archive/", "training/new/reward_model/", "training/schedules/new/dpo/"),
    "training/limits/",
    "training/evaluations/",
    "comparisons/",
    "routing/next/",
)


@pytest.fixture
def manager(open_browser, make_project, settings, tmp_path) -> tuple[Page, Project]:
    """The page of a manager, and the empty project."""
    settings.VAR_DIR = tmp_path
    project = make_project(name="Answers", guidelines="Prefer **true** answers.")
    return open_browser(project.created_by, **CALM), project


def look_at(axe: Axe, page: Page, project: Project, *paths: str) -> None:
    for path in paths:
        answer = page.goto(f"/projects/{project.pk}/{path}")
        assert answer.status == 200
        axe.look(page, f"{project.name} {path or 'overview'}")


def test_an_empty_project(manager, axe: Axe) -> None:
    page, project = manager
    look_at(axe, page, project, *EMPTY, *FORMS, "people/", "audit/")
    page.goto("/projects/new/")
    axe.look(page, "new project")
    assert axe.looks == 3 * 20


def test_a_project_at_work(manager, make_pair_tasks, add_member, make_user, add_file, axe) -> None:
    page, project = manager
    tasks = make_pair_tasks(project, 4)
    add_member(project, make_user("ada"))
    judge(project, 3)
    files = {"a.png": making.picture(), "a.wav": making.tone(0.2), "a.webm": making.film()}
    for name, data in files.items():
        add_file(project, data, name)
    create_snapshot(project=project, actor=project.created_by)
    computed(project)
    paths = ("", "tasks/", "people/", "export/", "media/", "audit/", "quality/", "quality/tasks/")
    look_at(axe, page, project, *paths)
    page.goto(f"/projects/{project.pk}/")
    axe.look_from_the_right(page, "overview")
    page.goto(reverse("task", args=[tasks[0].pk]))
    axe.look(page, "task")
    page.goto(reverse("snapshot", args=[Snapshot.objects.get().pk]))
    axe.look(page, "snapshot")
    assert axe.looks == 3 * 11


def judge(project: Project, count: int) -> None:
    for _ in range(count):
        lease = lease_seat(project=project, user=project.created_by)
        preferred = Seat.objects.get(pk=lease.seat_id).shown_order[0]
        value = {"verdict": "prefer", "preferred": preferred, "strength": 1}
        submit_judgement(seat_id=lease.seat_id, user=project.created_by, value=value)


def test_an_import_with_errors(manager, tmp_path: Path, axe) -> None:
    page, project = manager
    rows = [{"prompt": f"Q{i}?", "chosen": f"good {i}", "rejected": f"bad {i}"} for i in range(3)]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join([*map(json.dumps, rows), "{broken"]))
    page.goto(f"/projects/{project.pk}/import/")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Send and preview").click()
    expect(page.get_by_text("1 of these rows would be refused")).to_be_visible()
    axe.look(page, "preview")
    page.get_by_role("button", name="Import the file").click()
    expect(page.locator("#live .badge")).to_have_text("Queued")
    axe.look(page, "import queued")
    run_import(ImportRun.objects.get().pk)
    expect(page.locator("#live .badge")).to_have_text("Done")
    axe.look(page, "import done")
    page.goto(f"/projects/{project.pk}/settings/")
    page.get_by_label("Name", exact=True).fill(" ")
    page.get_by_label("Name", exact=True).press("Enter")
    axe.look(page, "settings refused")
    assert axe.looks == 3 * 4


@pytest.mark.usefixtures("length_judge")
def test_routing(manager, make_pair_tasks, client, axe) -> None:
    page, project = manager
    make_pair_tasks(project, 4)
    client.force_login(project.created_by)
    url = reverse("routing", args=[project.pk])
    client.post(url, {"threshold": "50", "audit_share": "100"})
    client.post(reverse("start_pass", args=[project.pk]))
    look_at(axe, page, project, "routing/")
    run_routing(run=jobs.claim(RoutingRun, RoutingRun.objects.get().pk, owner="test"))
    look_at(axe, page, project, "routing/")
    page.goto(reverse("decision", args=[Decision.objects.first().pk]))
    axe.look(page, "decision")
    assert axe.looks == 3 * 3


def test_policies(manager, axe, length_judge) -> None:
    """With no policy; while one is fitted; the page of a ppm with charts, asked for a reason."""
    page, project = manager
    page.goto(reverse("policies", args=[project.pk]))
    axe.look(page, "no policy")
    project.test_percent = 30
    project.save()
    take_in(project, planted_rows(170, votes=3))
    page.goto(reverse("policies", args=[project.pk]))
    current_judge(project=project)
    page.reload()
    for kind, encoder in (("error", "none"), ("ppm", "minilm")):
        page.get_by_label("Kind").select_option(kind)
        page.get_by_label("Encoder of the features").fill(encoder)
        page.get_by_label("PPM trains reward models").fill("20")
        page.get_by_role("button", name="Fit", exact=True).click()
        expect(page.get_by_role("button", name="Cancel the fit")).to_be_visible()
        run_fit(run=jobs.claim(PolicyFit, PolicyFit.objects.latest("pk").pk, owner="test"))
        page.goto(reverse("policies", args=[project.pk]))
    axe.look(page, "policies")
    first, second = RoutingPolicy.objects.order_by("pk")
    promote_policy(policy=first, actor=None)
    page.goto(reverse("policy", args=[second.pk]))
    expect(page.get_by_label("Why")).to_be_visible()
    expect(page.get_by_text("rank correlation ρ")).to_be_visible()
    axe.look(page, "policy")
    assert axe.looks == 3 * 3


def test_judges(manager, make_pair_tasks, chat_server, axe) -> None:
    """Refused and listed; without runs; under way, after a dry run and with failures."""
    page, project = manager
    chat_server.scripts.update(SCRIPTS)
    for task in make_pair_tasks(project, 3):
        lengthen(task)
    judge(project, 2)
    config = {"base_url": chat_server.base_url, "model": "planted"}
    made = save_judge(
        project=project,
        actor=None,
        name="Big",
        kind="openai",
        config=config,
        limits={"input_price": 0, "output_price": 0, "spending_limit": 1},
    )
    page.goto(f"/projects/{project.pk}/judges/")
    page.get_by_label("Name").fill("Big")
    page.get_by_label("Base URL").fill("http://example.com/v1")
    page.get_by_label("Model", exact=True).fill("planted")
    page.get_by_role("button", name="Set up").click()
    axe.look(page, "judge refused")
    page.goto(reverse("judge", args=[made.pk]))
    axe.look(page, "judge without runs")
    page.get_by_role("button", name="Try it on ten tasks").click()
    expect(page.get_by_role("button", name="Cancel the run")).to_be_visible()
    run_judge(run=jobs.claim(JudgeRun, JudgeRun.objects.get().pk, owner="test"))
    call = made.calls.first()
    call.pk, call.attempt, call.state, call.failure = None, 2, "failed", "timed_out"
    call.p_first, call.finished_at = None, timezone.now() + timedelta(minutes=1)
    call.save()
    start_judging(judge=made, actor=None)
    page.reload()
    expect(page.get_by_role("heading", name="Latest dry run")).to_be_visible()
    expect(page.get_by_role("heading", name="Latest failures")).to_be_visible()
    axe.look(page, "judge at work")
    assert axe.looks == 3 * 3


def test_training(manager, tmp_path: Path, axe) -> None:
    page, project = manager
    going = {"state": JobState.RUNNING, "phase": "training", "progress": 30, "total": 120}
    run = TrainingRun.objects.create(
        project=project, recipe="reward_model", lease_until="2099-01-01T00:00Z", **going
    )
    RunMetric.objects.bulk_create(
        RunMetric(run=run, step=step, values={"loss": 0.7 - step / 1000}) for step in range(1, 31)
    )
    over = TrainingRun.objects.create(
        project=project, recipe="reward_model", state="done", phase="over"
    )
    (tmp_path / "models" / "one").mkdir(parents=True)
    version = ModelVersion.objects.create(
        project=project,
        kind="reward_model",
        number=1,
        run=over,
        path="one",
        sha256="0" * 64,
        metrics=REWARD,
    )
    better = TrainingRun.objects.create(
        project=project, recipe="reward_model", state="done", phase="over"
    )
    serving = ModelVersion.objects.create(
        project=project,
        kind="reward_model",
        number=2,
        run=better,
        path="two",
        state="in_service",
        promoted_at=timezone.now(),
        metrics=REWARD,
    )
    for row, gap in ((over, -1.0), (better, 1.0)):
        work = folders.run_folder(row.pk) / "work"
        work.mkdir(parents=True)
        pairs = [ScoredPair(str(number), gap, 0.0, margin=number / 60) for number in range(60)]
        lines = [json.dumps(asdict(pair)) for pair in pairs]
        (work / "scored_rows.jsonl").write_text("\n".join(lines))
    schedule = Schedule.objects.create(
        project=project, recipe="reward_model", every_hours=24, on_routing=True
    )
    look_at(axe, page, project, "training/")
    page.goto(f"/projects/{project.pk}/training/models/")
    axe.look(page, "model_versions")
    for one in (version, serving):
        page.get_by_role("checkbox", name=f"Compare {one}").check()
    page.get_by_role("button", name="Compare those chosen").click()
    expect(page.get_by_role("heading", name="Accuracy on 60 pairs that all scored")).to_be_visible()
    axe.look(page, "compare_versions")
    page.goto(reverse("model_version", args=[version.pk]))
    expect(page.get_by_text("not held", exact=True)).to_have_count(3)
    page.get_by_text("Read it", exact=True).click()
    expect(page.get_by_role("heading", name="Known limits")).to_be_visible()
    axe.look(page, "model card")
    for name, row in (("training_run", run), ("model_version", version), ("schedule", schedule)):
        page.goto(reverse(name, args=[row.pk]))
        axe.look(page, name)
    assert axe.looks == 3 * 7


def test_evaluations(manager, axe) -> None:
    page, project = manager
    rows = [
        {"prompt": f"Q{n}", "chosen": "a" * n, "rejected": "bb", "subset": "ab"[n % 2]}
        for n in range(3, 9)
    ]
    found = {
        kind: add_evaluation_set(
            project=project,
            actor=project.created_by,
            name=kind,
            kind=kind,
            stream=io.BytesIO("\n".join(map(json.dumps, rows)).encode()),
            file_name="rows.jsonl",
        )
        for kind in ("pairs", "prompts")
    }
    versions = [
        ModelVersion.objects.create(
            project=project,
            kind="reward_model",
            number=number,
            run=TrainingRun.objects.create(project=project, recipe="reward_model", state="done"),
            path=str(number),
        )
        for number in (1, 2)
    ]
    done = [finished(found["pairs"], version, [1.0, -1.0] * 3) for version in versions]
    proxy = np.random.default_rng(1).normal(size=(20, 8))
    best = EvaluationRun.objects.create(
        project=project,
        evaluation_set=found["prompts"],
        model_version=versions[0],
        proxy=versions[1],
        state=JobState.DONE,
        config={"samples": 8},
        metrics=best_of_n_figures(proxy, -((proxy - 0.8) ** 2)),
    )
    going = EvaluationRun.objects.create(
        project=project, evaluation_set=found["prompts"], model_version=versions[1], total=9
    )
    look_at(axe, page, project, "training/evaluations/")
    for one in found.values():
        page.goto(reverse("evaluation_set", args=[one.pk]))
        axe.look(page, f"set of {one.kind}")
    for run in (done[0], best, going):
        page.goto(reverse("evaluation", args=[run.pk]))
        axe.look(page, f"evaluation of {run.evaluation_set}, {run.state}")
    page.goto(f"/projects/{project.pk}/training/evaluations/")
    page.get_by_label("Name").fill("bad")
    page.get_by_label("File").set_input_files(
        {"name": "bad.jsonl", "mimeType": "text/plain", "buffer": b'{"prompt": "p"}'}
    )
    page.get_by_role("button", name="Add the set").click()
    expect(page.get_by_role("heading", name="1 row was refused")).to_be_visible()
    axe.look(page, "refused rows")
    assert axe.looks == 3 * 7


def test_a_loop(manager, make_pair_tasks, axe) -> None:
    """Empty, its form, under way, stopped by a guard with rounds behind it."""
    page, project = manager
    label_first(project, make_pair_tasks(project, 8))
    look_at(axe, page, project, "training/loop/", "training/loop/new/")
    loop = begin(project, guards={"gap_rows": 4})
    advance_loops()
    look_at(axe, page, project, "training/loop/")
    for wins in (True, True, False):
        whole_round(loop, new_wins=wins)
    look_at(axe, page, project, "training/loop/")
    expect(page.get_by_role("alert")).to_contain_text("A guard stopped it.")
    expect(page.get_by_role("img", name="New responses preferred to older ones, %")).to_be_visible()
    page.goto(reverse("edit_loop", args=[loop.pk]))
    axe.look(page, "edit_loop")
    assert axe.looks == 3 * 5


def test_deleting_a_file(axe: Axe, manager, add_file, make_pair_tasks) -> None:
    page, project = manager
    for number, is_shown in enumerate((False, True)):
        file = add_file(project, making.picture("PNG", 40 + number, 30), f"{number}.png")
        if is_shown:
            [task] = make_pair_tasks(project, 1)
            content = [{"type": "image", "file": file.pk, "sha256": file.sha256}]
            Response.objects.create(prompt=task.prompt, content=content, content_hash="x")
        page.goto(reverse("delete_media", args=[project.pk, file.pk]))
        expect(page.get_by_role("alert")).to_have_count(int(is_shown))
        axe.look(page, f"delete, shown: {is_shown}")
    assert axe.looks == 3 * 2
