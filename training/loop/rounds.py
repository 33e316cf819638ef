"""The rounds themselves: every step through the same services, workers and pages as anybody's."""

import re
import time
from collections.abc import Callable, Iterable

from django.db import close_old_connections

from annotate.demo.preference import hidden_utility
from annotate.models import Job, JobState, Judgement, Project, Prompt
from routing.reports.decisions import AuditAgreement, audit_agreement
from routing.services.passes import start_routing, undecided
from routing.services.policies import save_policy
from training import folders
from training.loop.figures import RoundFigures, WinRate, win_rate
from training.loop.measure import sample_texts
from training.loop.plan import LoopPlan
from training.models import ModelVersion, TrainingRun
from training.services.registry import promote
from training.services.runs import queue_run
from training.services.sampling import queue_sampling

POLL = 0.5  # seconds between two looks at a job
EVERY_ROUND = "The loop puts the model of every round into service, to show how each one does."
Say = Callable[[str], None]
Simulate = Callable[[Project], None]


class LoopFailed(RuntimeError):
    """A step of the loop failed; the message is the job's own."""


class Loop:
    """One loop over one project. `simulate` lets people answer all that is open."""

    def __init__(self, project: Project, plan: LoopPlan, simulate: Simulate, say: Say) -> None:
        self.project = project
        self.plan = plan
        self.simulate = simulate
        self.say = say
        self.policy: ModelVersion | None = None
        self._base_texts: list[list[str]] = []
        self._prompts: list[Prompt] = []

    def run(self) -> Iterable[RoundFigures]:
        """Yields each round's figures as it ends. Raises LoopFailed."""
        for number in range(1, self.plan.rounds + 1):
            yield self._round(number)

    def _round(self, number: int) -> RoundFigures:
        began = time.monotonic()
        before = _label_counts(self.project)
        mark = _last_judgement(self.project)
        if number > 1:
            self._route()
        self.say(f"round {number}: people label")
        self.simulate(self.project)
        reward = self._train(number, TrainingRun.Recipe.REWARD_MODEL, self.plan.reward)
        self._promote(reward)
        save_policy(
            project=self.project,
            actor=self.project.created_by,
            threshold=self.plan.threshold,
            audit_share=self.plan.audit_share,
        )
        self.policy = self._train(number, TrainingRun.Recipe.DPO, self.plan.dpo)
        self._promote(self.policy)
        measured = self._measure(number)
        if number < self.plan.rounds:
            self._generate(number)
        after = _label_counts(self.project)
        return _figures(
            number=number,
            new={source: after[source] - before[source] for source in after},
            audit=audit_agreement(self.project),
            right=judge_right(self.project, mark),
            reward=reward,
            policy=measured,
            seconds=time.monotonic() - began,
        )

    def _promote(self, version: ModelVersion) -> None:
        """Past the gate too: each round's figures are of the model that the round made."""
        promote(version=version, actor=self.project.created_by, anyway=EVERY_ROUND)

    def _route(self) -> None:
        """Wait until the policy has decided every task that nobody has begun."""
        while True:
            run = start_routing(project=self.project, actor=self.project.created_by)
            if run is None:
                raise LoopFailed("no routing policy is active any more")
            self._wait(run, "route")
            if not undecided(run.policy).exists():
                return

    def _train(self, number: int, recipe: str, config: dict) -> ModelVersion:
        run = queue_run(
            project=self.project,
            actor=self.project.created_by,
            recipe=recipe,
            config={"seed": self.plan.seed + number, **config},
            trigger=TrainingRun.Trigger.LOOP,
        )
        self._wait(run, f"round {number}: {run.get_recipe_display()}")
        return run.model_version

    def _generate(self, number: int) -> None:
        """New responses by the policy, as tasks: against its own second sample and an old one."""
        for against in ("sample", "response"):
            run = queue_sampling(
                version=self.policy,
                actor=self.project.created_by,
                config={
                    "against": against,
                    "prompts": self.plan.sample_prompts,
                    "max_new_tokens": self.plan.max_new_tokens,
                    "temperature": self.plan.temperature,
                    "seed": self.plan.seed + number,
                },
            )
            self._wait(run, f"round {number}: sample against a {against}")

    def _measure(self, number: int) -> WinRate:
        """The policy against the base it started from, under the hidden preference."""
        self.say(f"round {number}: policy against base")
        if not self._prompts:
            self._prompts = list(Prompt.objects.filter(project=self.project).order_by("pk"))
            self._base_texts = self._sample(base_model(self.policy), seed=1)
        texts = self._sample(str(folders.model_folder(self.policy.path)), seed=2)
        asked = [plain_text(prompt) for prompt in self._prompts]
        return win_rate(asked, texts, self._base_texts, hidden_utility)

    def _sample(self, model: str, seed: int) -> list[list[str]]:
        return sample_texts(
            model,
            self._prompts,
            samples=self.plan.measure_samples,
            max_new_tokens=self.plan.max_new_tokens,
            temperature=self.plan.temperature,
            seed=1000 * (self.plan.seed + 1) + seed,
        )

    def _wait(self, job: Job, what: str) -> None:
        """Until the job is over; says when its message changes. Raises LoopFailed."""
        said = ""
        while not job.is_over:
            time.sleep(POLL)
            close_old_connections()
            job.refresh_from_db()
            news = re.sub(r"\d+", "…", job.message)  # a step counter is no news
            if news != said:
                said = news
                self.say(f"{what}: {job.message.splitlines()[0]}")
        if job.state != JobState.DONE:
            raise LoopFailed(f"{what} {job.state}: {job.message}")


def base_model(policy: ModelVersion) -> str:
    """The folder or hub id of the model that the policy's training started from."""
    name = policy.run.environment["base_model"]
    folder = folders.model_folder(name)
    return str(folder) if folder.is_dir() else policy.run.config["base_model"]


def plain_text(prompt: Prompt) -> str:
    """The turns as the simulated annotators read them."""
    return "\n\n".join(turn["content"] for turn in prompt.conversation)


def judge_right(project: Project, after: int) -> float | None:
    """Share of the judge's labels since judgement `after` that the hidden preference shares."""
    labels = (
        Judgement.objects.filter(project=project, source=Judgement.Source.JUDGE, pk__gt=after)
        .select_related("task__prompt")
        .prefetch_related("task__responses")
    )
    right = [_is_right(label) for label in labels]
    return sum(right) / len(right) if right else None


def _is_right(label: Judgement) -> bool:
    asked = plain_text(label.task.prompt)
    utility = {r.pk: hidden_utility(asked, r.text) for r in label.task.responses.all()}
    return utility[label.value["preferred"]] == max(utility.values())


def _label_counts(project: Project) -> dict[str, int]:
    mine = Judgement.objects.labels().filter(project=project)
    sources = (Judgement.Source.PERSON, Judgement.Source.JUDGE)
    return {source: mine.filter(source=source).count() for source in sources}


def _last_judgement(project: Project) -> int:
    last = Judgement.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True)
    return last.first() or 0


def _figures(
    *,
    number: int,
    new: dict[str, int],
    audit: AuditAgreement,
    right: float | None,
    reward: ModelVersion,
    policy: WinRate,
    seconds: float,
) -> RoundFigures:
    test = reward.metrics.get("test", {})
    accuracy = test.get("accuracy")
    return RoundFigures(
        number=number,
        human_labels=new[Judgement.Source.PERSON],
        ai_labels=new[Judgement.Source.JUDGE],
        audited=audit.tasks,
        agreement=audit.rate,
        judge_right=right,
        reward_accuracy=accuracy and accuracy["value"],
        reward_interval=accuracy and (accuracy["low"], accuracy["high"]),
        reward_rows=test.get("rows", 0),
        policy=policy,
        seconds=seconds,
    )
