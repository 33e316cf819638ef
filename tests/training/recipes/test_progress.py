"""When checkpoints are written, by a clock of the test's own."""

from types import SimpleNamespace

import pytest
from transformers import TrainerControl, TrainerState

from tests.training.recipes.conftest import ignore, never
from training.recipes import progress
from training.recipes.progress import ProgressCallback


@pytest.mark.parametrize(
    ("minutes", "saved"),
    [(5.0, [60, 360, 660]), (0.5, [30, 60, 90]), (1.0, [60, 120, 180])],
)
def test_the_first_comes_after_a_minute_the_others_by_the_clock(
    minutes, saved, monkeypatch, tmp_path
):
    now = 0.0
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
    callback = ProgressCallback(
        report=ignore, should_stop=never, checkpoint_minutes=minutes, rows_per_step=1
    )
    args, state = SimpleNamespace(output_dir=str(tmp_path)), TrainerState(max_steps=10**6)
    callback.on_train_begin(args, state, TrainerControl())
    found = []
    for step in range(1, saved[-1] + 1):
        now, state.global_step = float(step), step
        control = TrainerControl()
        callback.on_step_end(args, state, control)
        if control.should_save:
            (tmp_path / f"checkpoint-{step}").mkdir()
            callback.on_save(args, state, control)
            found.append(step)
    assert found == saved
