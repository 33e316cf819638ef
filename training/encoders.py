"""The encoders that routing's features are read with: a child process reads, no worker does."""

import json
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from annotate.inputs import clean_text
from annotate.wording import Told
from routing.encoders import EncoderError, Library, Pair, Reading, ReadingStopped, register
from routing.judges import JudgeError
from training import folders
from training.judge import child_rows

DEFAULT = "minilm"
PACKAGES = ("torch", "transformers")
MOST_CHARS = 300


def clean(name: object) -> str:
    """A built-in name, an id at the Hugging Face hub, or a folder in BASE_MODELS_DIR; empty for
    none. Raises InvalidValue.
    """
    text = clean_text("settings.encoder", name, max_chars=MOST_CHARS)
    if text and text != DEFAULT:
        from training.services.configs import require_base_model  # losses and forms, not at start

        require_base_model((DEFAULT,), text, field="settings.encoder")
    return text


def absent() -> Told | None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if not missing:
        return None
    return Told(
        "{packages} not installed on this machine (the `training` extra), so no encoder can read "
        "texts here; install it, or go without embeddings.",
        packages=", ".join(missing),
    )


def read(name: str, pairs: Sequence[Pair], should_stop: Callable[[], bool]) -> Iterator[Reading]:
    """As `routing.encoders.Library` has it; a child process for all of the pairs."""
    if why := absent():
        raise EncoderError(why.reason, **why.values)
    stopped = False

    def look() -> bool:
        nonlocal stopped
        stopped = stopped or should_stop()
        return stopped

    with tempfile.TemporaryDirectory(dir=folders.scratch_folder()) as scratch:
        folder = Path(scratch)
        with (folder / "items.jsonl").open("w", encoding="utf-8") as file:
            for pair in pairs:
                file.write(json.dumps({"id": pair.task_id, "texts": pair.texts}) + "\n")
        try:
            for row in child_rows(folder, {"duty": "likeness", "encoder": name}, look):
                first, second = (b64decode(one) for one in row["embeddings"])
                yield Reading(
                    row["id"], row["alike"], row["cosine"], (first, second), row["weights"]
                )
        except JudgeError as error:
            raise EncoderError(error.reason, **error.values) from error
    if stopped:
        raise ReadingStopped


LIBRARY = Library(default=DEFAULT, clean=clean, absent=absent, read=read)


def register_library() -> None:
    register(LIBRARY)
