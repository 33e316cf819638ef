"""What a training ran on: device, memory, versions. Child side, except `code_version`."""

import subprocess
from importlib import metadata
from pathlib import Path
from platform import python_version
from typing import Any

PACKAGES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "tokenizers",
    "safetensors",
    "scikit-learn",
)


def describe() -> dict[str, Any]:
    """Device and package versions; imports torch."""
    import torch

    device = f"cpu, {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    versions = {name: metadata.version(name) for name in PACKAGES}
    return {"device": device, "packages": {"python": python_version(), **versions}}


def peak_memory_mb() -> float:
    """Highest memory of this process so far, or of its GPU where it uses one; imports torch."""
    from training.recipes import runtime

    return round(runtime.peak_memory_mb(), 1)


def code_version(root: Path) -> str:
    """The commit of a checkout (with -dirty when changed), else the version in pyproject.toml."""
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--tags"]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass  # no git on this machine: the version will have to do
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['name']} {project['version']}"
