"""Optional parts of an installation: which packages they need, and whose workers need them."""

from importlib.util import find_spec

TRAINING_PACKAGES = ("torch", "transformers", "trl", "peft")
TRAINING_QUEUES = ("training", "serving")  # bin/serve starts no worker of these without them


def missing_for_training() -> list[str]:
    """The packages of the `training` extra that are not installed here; imports none of them."""
    return [name for name in TRAINING_PACKAGES if find_spec(name) is None]
