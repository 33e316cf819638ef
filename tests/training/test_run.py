"""How a run ends when it fails: in English for programs, and told for pages."""

import json

import pytest

from annotate.wording import Told
from config.translations import read_catalogue
from training import run
from training.recipes.errors import BatchTooLargeError, OutOfMemoryError


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (
            OutOfMemoryError(
                "The memory is not enough for a single row at a time: {reason} Lower max_length, "
                "train with lora, choose a smaller base_model, or use a device with more memory.",
                reason=BatchTooLargeError(
                    "Out of memory at step {step} with {rows} rows at a time: {said}",
                    step=4,
                    rows=1,
                    said="Full.",
                ).apart(),
            ),
            "Der Speicher reicht nicht für eine einzelne Zeile: Kein Speicher mehr bei Schritt 4 "
            "mit 1 Zeilen auf einmal: Full. Senken",
        ),
        (KeyError("x"), "Was der Trainingsprozess sagte: KeyError: 'x'"),
    ],
)
def test_a_failure_is_told_in_german(tmp_path, monkeypatch, error, begins) -> None:
    class Duty:
        def perform(self, *args):
            raise error

    (tmp_path / "job.json").write_text(json.dumps({"duty": "anything"}))
    monkeypatch.setattr(run, "import_duty", lambda name: Duty())
    result = json.loads(json.dumps(run.run(tmp_path)))
    told = Told.from_dict(result["told"])
    assert (result["status"], result["message"]) == ("failed", told.message)
    german = read_catalogue("de")
    assert told.told(lambda text: german.get(text).string).startswith(begins)
