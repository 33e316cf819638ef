"""An export loads with `datasets` and takes one step in TRL's own trainers."""

import io
import json
from pathlib import Path

import pytest

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.exports import ExportOptions, stream_export

pytest.importorskip("trl", reason="needs the training extra: pip install tandem[training]")
pytestmark = pytest.mark.django_db

WORDS = [
    *("<pad>", "<end>", "<unk>", "system", "user", "assistant", "why", "how"),
    *("is", "the", "sky", "blue", "green", "deep", "today"),
]
TEMPLATE = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }} <end> {% endfor %}"


@pytest.fixture
def project(make_project):
    project = make_project()
    rows = [
        {
            "prompt": [
                {"role": "system", "content": "why deep"},
                {"role": "user", "content": f"how is the sky today {n}"},
            ],
            "chosen": [{"role": "assistant", "content": "the sky is blue"}],
            "rejected": [{"role": "assistant", "content": "the sky is green"}],
            "strength": 1 + n % 3,
        }
        for n in range(8)
    ]
    import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO("\n".join(map(json.dumps, rows)).encode()),
        format="trl",
        options=ImportOptions(),
    )
    return project


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<end>", unk_token="<unk>"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_config(**more):
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=0,
        eos_token_id=1,
        **more,
    )


def load(project, tmp_path: Path, format: str, **options):
    from datasets import load_dataset

    options = {"file_type": "jsonl", **options}
    file = tmp_path / f"{format}.{options['file_type']}"
    chunks = stream_export(project=project, format=format, options=ExportOptions(**options))
    file.write_bytes(b"".join(chunks))
    builder = "parquet" if options["file_type"] == "parquet" else "json"
    return load_dataset(builder, data_files=str(file), split="train", cache_dir=tmp_path / "cache")


def arguments(tmp_path: Path):
    return {
        "output_dir": str(tmp_path / "run"),
        "max_steps": 1,
        "per_device_train_batch_size": 4,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "bf16": False,
        "logging_steps": 1,
        "disable_tqdm": True,
    }


@pytest.mark.parametrize("format", ["trl", "trl_conversational"])
def test_dpo_takes_a_step(project, tmp_path, tokenizer, format):
    from transformers import LlamaForCausalLM
    from trl import DPOConfig, DPOTrainer

    rows = load(project, tmp_path, format)
    assert (len(rows), rows.column_names) == (8, ["prompt", "chosen", "rejected"])
    folder = tmp_path / "model"  # the trainer loads its reference model from here
    LlamaForCausalLM(tiny_config()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    trainer = DPOTrainer(
        model=str(folder),
        args=DPOConfig(**arguments(tmp_path)),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    done = trainer.train()
    assert done.global_step == 1
    assert done.training_loss == pytest.approx(0.693, abs=0.02)  # log 2: policy = reference


def test_the_reward_trainer_reads_the_margin(project, tmp_path, tokenizer):
    from transformers import LlamaForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    rows = load(project, tmp_path, "trl_conversational", margin=True)
    assert rows.column_names == ["prompt", "chosen", "rejected", "margin"]
    assert sorted({round(margin, 3) for margin in rows["margin"]}) == [0.333, 0.667, 1.0]
    trainer = RewardTrainer(
        model=LlamaForSequenceClassification(tiny_config(num_labels=1)),
        args=RewardConfig(**arguments(tmp_path)),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    done = trainer.train()
    assert done.global_step == 1
    assert done.training_loss > 0.69  # the margins make it larger than log 2


def test_kto_takes_a_step_from_unpaired_answers(project, tmp_path, tokenizer):
    from transformers import LlamaForCausalLM
    from trl.experimental.kto import KTOConfig, KTOTrainer

    rows = load(project, tmp_path, "trl_unpaired", file_type="parquet")
    assert (len(rows), rows.column_names) == (16, ["prompt", "completion", "label"])
    folder = tmp_path / "model"
    LlamaForCausalLM(tiny_config()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    trainer = KTOTrainer(
        model=str(folder),
        args=KTOConfig(**arguments(tmp_path)),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    assert trainer.train().global_step == 1


def test_trl_finds_the_implicit_prompt(project, tmp_path):
    from trl.data_utils import extract_prompt, is_conversational

    [implicit, *_] = load(project, tmp_path, "trl_implicit")
    [explicit, *_] = load(project, tmp_path, "trl_conversational")
    assert is_conversational(implicit)
    assert extract_prompt(implicit) == explicit


@pytest.mark.parametrize("file_type", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    "format", [name for name, one in EXPORT_FORMATS.items() if one.write and not one.of_spans]
)
def test_datasets_loads_every_format_of_preferences(project, tmp_path, format, file_type):
    rows = load(project, tmp_path, format, file_type=file_type)
    assert set(rows.column_names) == set(EXPORT_FORMATS[format].columns)
    assert len(rows) == (16 if format in ("trl_unpaired", "llama_factory_kto") else 8)
