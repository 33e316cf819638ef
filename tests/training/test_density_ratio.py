"""The judge by two policies: against token by token, and what it refuses."""

import json
import math
from pathlib import Path

import pytest
import torch
from django.urls import reverse
from transformers import AutoModelForCausalLM, AutoTokenizer

from annotate.inputs import InvalidValue
from annotate.models import Judge
from routing import judges
from routing.judges import Question
from routing.services.judges import save_judge
from training import density_ratio, folders, judge
from training.data.framing import frame_for_policy
from training.density_ratio import DensityRatioJudge, clean
from training.duties import density_ratio as duty

pytestmark = pytest.mark.django_db
CRITERIA = "be kind"


@pytest.fixture
def policies(make_project, make_version):
    """A strong version and a weak one, whose weights were moved by chance."""
    project = make_project()
    strong, weak = (make_version(project, "policy", state) for state in ("in_service", "retired"))
    folder = folders.model_folder(weak.path)
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn_like(weights) * 0.2)
    model.save_pretrained(folder)
    return strong, weak


@pytest.fixture
def here(monkeypatch):
    """The child's duty, done by this process."""

    class Here:
        def __init__(self, folder: Path, job: dict) -> None:
            self.said = duty.perform(job, folder, lambda event: None, lambda: False)

        def wait(self, seconds: float) -> bool:
            return True

        def result(self) -> dict:
            return self.said

        def is_running(self) -> bool:
            return False

    monkeypatch.setattr(judge, "Child", Here)


def question(number: int, *texts: str) -> Question:
    turns = [{"role": "user", "content": "tell me how to cook rice"}]
    return Question(number, "", turns, (1, 2), texts)


def by_hand(version, messages: list[dict], response: str) -> float:
    """Token by token: the log-softmax at each position of the response, added up."""
    folder = folders.model_folder(version.path)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    framed = frame_for_policy(tokenizer, messages, response, max_length=96, prompt_tokens=48)
    total = 0.0
    for place in range(len(framed.prompt_ids), len(framed.ids)):
        before = torch.tensor([framed.ids[:place]])
        with torch.no_grad():
            logits = model(before).logits[0, -1]
        total += float(logits.log_softmax(-1)[framed.ids[place]])
    return total


def test_the_score_is_the_difference_of_log_likelihoods(policies, here, var_dir) -> None:
    strong, weak = policies
    config = clean(
        {
            "strong": strong.pk,
            "weak": weak.pk,
            "criteria": CRITERIA,
            "scale": 0.5,
            "max_length": 96,
        }
    )
    items = [question(1, "yes please", "no rude answer why"), question(2, "rice", "rice")]
    said = {one.task_id: one for one in DensityRatioJudge(config).compare(items, lambda: False)}
    messages = [{"role": "system", "content": CRITERIA}, *items[0].conversation]
    scores = [
        0.5 * (by_hand(strong, messages, text) - by_hand(weak, messages, text))
        for text in items[0].response_texts
    ]
    assert said[1].raw["scores"] == pytest.approx(scores, abs=1e-3)
    assert said[1].p_first == pytest.approx(1 / (1 + math.exp(scores[1] - scores[0])), abs=1e-3)
    assert abs(scores[0] - scores[1]) > 0.1
    assert said[2].p_first == pytest.approx(0.5, abs=1e-6)


def test_criteria_stand_before_a_system_text_that_is_there() -> None:
    item = {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Q"}]
    }
    both = duty.with_criteria(item, "Be kind.")["prompt"]
    assert both[0]["content"] == "Be kind.\n\nBe brief."
    assert duty.with_criteria(item, "") is item
    assert json.dumps(item).count("kind") == 0


def test_without_a_weak_one_it_is_what_the_line_began_with(policies, var_dir, tmp_path) -> None:
    strong, _ = policies
    config = clean({"strong": strong.pk})
    with pytest.raises(judges.JudgeError, match="began is gone"):
        DensityRatioJudge(config)
    strong.run.config = {"base_model": str(tmp_path)}
    strong.run.save(update_fields=["config"])
    assert DensityRatioJudge(config).job["weak_model"] == str(tmp_path)


def test_only_policies_of_the_project_are_taken(policies, make_project, make_version) -> None:
    strong, weak = policies
    reward = make_version(strong.project, "reward_model")
    common = {"actor": None, "name": "Ratio", "kind": density_ratio.NAME}
    for project, config, field in (
        (make_project(), {"strong": strong.pk}, "config.strong"),
        (strong.project, {"strong": reward.pk}, "config.strong"),
        (strong.project, {"strong": strong.pk, "weak": strong.pk}, "config.weak"),
        (strong.project, {"strong": strong.pk, "weak": weak.pk, "scale": 0}, "config.scale"),
        (strong.project, {}, "config.strong"),
    ):
        with pytest.raises(InvalidValue) as caught:
            save_judge(project=project, config=config, **common)
        assert caught.value.field == field
    made = save_judge(
        project=strong.project, config={"strong": strong.pk, "weak": weak.pk}, **common
    )
    assert (made.version, made.config["scale"]) == (1, 1.0)


def test_files_that_are_gone_are_named(policies) -> None:
    strong, weak = policies
    config = clean({"strong": strong.pk, "weak": weak.pk})
    folders.model_folder(weak.path).rename(folders.model_folder(weak.path).with_name("away"))
    with pytest.raises(judges.JudgeError, match="are missing from"):
        DensityRatioJudge(config)
    with pytest.raises(judges.JudgeError, match="no policy version 0"):
        DensityRatioJudge({**config, "strong": 0})


def test_the_page_sets_it_up_by_names(client, policies, make_project, make_version) -> None:
    strong, weak = policies
    project = strong.project
    make_version(make_project(), "policy")
    client.force_login(project.created_by)
    url = reverse("judges", args=[project.pk]) + "?kind=density_ratio"
    fields = client.get(url).context["form"].fields
    named = [(str(weak.pk), "Policy v2"), (str(strong.pk), "Policy v1, in service")]
    assert fields["strong"].choices == named
    assert fields["weak"].choices == [("", "what the stronger one’s line began with"), *named]
    given = {"name": "Ratio", "strong": strong.pk, "weak": "", "criteria": CRITERIA, "scale": "0.5"}
    assert client.post(url, given).status_code == 302
    defaults = {"max_length": 1024, "batch_size": 8}
    whole = {"strong": strong.pk, "weak": None, "criteria": CRITERIA, "scale": 0.5, **defaults}
    assert Judge.objects.get(kind="density_ratio").config == whole


@pytest.mark.parametrize(
    ("change", "field"),
    [({"strong": ""}, "strong"), ({"scale": "0"}, "scale"), ({"scale": "much"}, "scale")],
)
def test_what_is_wrong_with_it_stands_at_its_field(client, policies, change, field) -> None:
    strong, _weak = policies
    client.force_login(strong.project.created_by)
    url = reverse("judges", args=[strong.project.pk]) + "?kind=density_ratio"
    given = {"name": "Ratio", "strong": strong.pk, "weak": "", "criteria": "", "scale": "1"}
    answer = client.post(url, {**given, **change})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_a_policy_beside_itself_is_refused_at_its_field(client, policies) -> None:
    strong, _weak = policies
    client.force_login(strong.project.created_by)
    url = reverse("judges", args=[strong.project.pk]) + "?kind=density_ratio"
    given = {"name": "Ratio", "strong": strong.pk, "weak": strong.pk, "scale": "1"}
    assert list(client.post(url, given).context["form"].errors) == ["weak"]


def test_a_project_without_policies_says_what_to_do(client, make_project) -> None:
    project = make_project()
    client.force_login(project.created_by)
    page = client.get(reverse("judges", args=[project.pk]) + "?kind=density_ratio")
    assert "The project has no policy yet. Train one first." in page.content.decode()
