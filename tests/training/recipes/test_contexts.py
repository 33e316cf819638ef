"""Labels that turn round with the context are learned where models see it, and only there."""

import pytest

from benchmarks import planted
from tests.training.recipes.conftest import ignore, never, random_encoder, words_in
from training.recipes.config import RewardModelConfig
from training.recipes.reward_model import train_reward_model
from training.recipes.score import score_responses


@pytest.fixture
def train(tmp_path):
    """train("contexts", epochs=3.0) -> what comes of fine-tuning a small random network."""

    def run(name, epochs):
        data = tmp_path / name
        getattr(planted, name)(data)
        base = random_encoder(tmp_path / "encoder", words_in(data / "train.jsonl"))
        config = RewardModelConfig(
            base_model=str(base),
            max_length=48,
            prompt_tokens=24,
            batch_size=20,
            epochs=epochs,
            learning_rate=3e-3,
            threads=1,
            precision="fp32",
        )
        return train_reward_model(config, data / "pairs", tmp_path / f"{name}.run", ignore, never)

    return run


def accuracy(result):
    return result.metrics["test"]["accuracy"]["value"]


def test_with_its_criterion_each_label_is_learned(train):
    result = train("contexts", epochs=6.0)
    assert accuracy(result) >= 0.95
    texts = ["some soup at home. Ha, a joke!", "some soup at home. Measure: 3.14 mm."]
    for criterion, better in (("Which is funnier?", 0), ("Which is more exact?", 1)):
        prompt = [{"role": "user", "content": f"Say something about a train.\n\n{criterion}"}]
        scores = score_responses(result.model_dir, [(prompt, text) for text in texts])
        assert scores[better] > scores[1 - better] + 1


def test_without_it_nothing_is(train):
    assert 0.35 <= accuracy(train("untold_contexts", epochs=3.0)) <= 0.65
