"""The child process: `python -m training.run FOLDER` does what FOLDER/job.json says.

No Django and no database here; see `training/child.py` for the files. SIGTERM, or a file `stop` in
the folder, means: save a checkpoint and end. The exit status says little on purpose: result.json is
the truth. Under torchrun several processes do one job; the first of them reports and writes.
"""

import gc
import json
import logging
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from annotate.wording import Told, translatable
from config.lifetime import die_with_parent_now
from training import machine
from training.recipes.errors import FieldError, NoRoomError, RecipeError, StopRequestedError
from training.recipes.room import is_no_room, no_room

STOP = "stop"
IS_FIRST = os.environ.get("RANK", "0") == "0"
logger = logging.getLogger("training.run")


class StopFlag:
    """Becomes true on SIGTERM or SIGINT, or once `path` is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.raised = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._raise)

    def _raise(self, number: int, frame: object) -> None:
        self.raised = True

    def __call__(self) -> bool:
        return self.raised or self.path.exists()


class Reporter:
    """Appends events to progress.jsonl, each whole and at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")  # a child killed in the middle of a line

    def __call__(self, event: dict[str, Any]) -> None:
        line = json.dumps(event, ensure_ascii=False, allow_nan=False, default=str)
        self._file.write(line.encode("utf-8", "replace") + b"\n")


def write_result(folder: Path, result: dict[str, Any]) -> None:
    """By rename, after a sync: whoever reads it reads all of it."""
    partial = folder / ".result.json.partial"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(result, file, ensure_ascii=False, allow_nan=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / "result.json")


def _say_nothing(event: dict[str, Any]) -> None:
    """Another process reports."""


def _another_failed(folder: Path, result: dict[str, Any]) -> bool:
    path = folder / "result.json"
    if result["status"] != "failed" or not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8"))["status"] == "failed")


def import_duty(name: str) -> ModuleType:
    """The duty's module. What it imports stays for ever: looking for garbage among those millions
    of objects, during the import and after it, costs a sixth of the start.
    """
    gc.disable()
    try:
        return import_module(f"training.duties.{name}")
    finally:
        gc.freeze()
        gc.enable()


def run(folder: Path) -> dict[str, Any]:
    """Do the job; never raises for what goes wrong in it, but says so in the result."""
    should_stop = StopFlag(
        folder / STOP
    )  # before the slow imports: a stop meanwhile must not be lost
    try:
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        report = Reporter(folder / "progress.jsonl") if IS_FIRST else _say_nothing
        report(
            {
                "event": "phase",
                "phase": "preparing",
                "message": translatable("Loading the libraries."),
            }
        )
        duty = import_duty(job["duty"])
        report({"event": "machine", "pid": os.getpid(), **machine.describe()})
        if should_stop():
            return {"status": "stopped"}
        result = duty.perform(job, folder, report, should_stop)
        return {"peak_memory_mb": machine.peak_memory_mb(), **result}
    except StopRequestedError as error:
        return {"status": "stopped", "message": str(error)}
    except NoRoomError as error:
        return no_room_result(error)
    except FieldError as error:
        logger.exception("A setting is refused")
        refused = {"field": error.field, **error.refusal.as_dict()}
        return {"status": "failed", "message": str(error), "refused": refused}
    except RecipeError as error:
        logger.exception("The recipe gave up")
        told = {"told": error.as_dict()} if isinstance(error, Told) else {}
        return {"status": "failed", "message": str(error), **told}
    except Exception as error:
        logger.exception("Unforeseen")
        if is_no_room(error, folder, 0):
            return no_room_result(no_room("a file of the run", folder, 0))
        told = Told(
            "What the training process said: {said}", said=f"{type(error).__name__}: {error}"
        )
        return {"status": "failed", "message": told.message, "told": told.as_dict()}


def no_room_result(error: NoRoomError) -> dict[str, Any]:
    """The run can go on once there is room: see training/services/running.py."""
    told = {"folder": error.folder, "needed": error.needed}
    return {"status": "no_room", "message": str(error), **told}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m training.run FOLDER (with job.json in it)", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    folder = Path(arguments[0]).resolve()
    if "RANK" in os.environ:
        die_with_parent_now()  # torchrun's children are in sessions of their own
    result = run(folder)
    if not IS_FIRST and result["status"] != "failed":
        return 0
    if "RANK" in os.environ and _another_failed(folder, result):
        return 1  # what it says is the cause; here, most often, that it went away
    try:
        write_result(folder, result)
    except ValueError as error:  # a figure that is no number
        result = {"status": "failed", "message": f"The figures cannot be written: {error}"}
        write_result(folder, result)
    logger.info("%s", result["status"])
    return 1 if result["status"] == "failed" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
