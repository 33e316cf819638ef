"""What a recipe hands back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RecipeResult:
    """status: "done" when global_step reached max_steps and the model is published in
    `model_dir`; "stopped" when `should_stop` ended it: the same call again goes on from there.
    """

    status: str
    global_step: int
    max_steps: int
    model_dir: Path | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
