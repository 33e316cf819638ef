"""The process a recipe runs in: device, precision, threads, memory; import it before transformers.

Importing it turns off tokenizer forks and the Hub's telemetry (TRL reports every trainer it
makes), and lets idle OpenMP threads sleep: on cores shared with other work, spinning threads made
a small model 4 to 30 times slower. numpy works on one thread: on shared cores a second one, which
spins too, made a head take five times the processor time. A process works on one device: alone, of
several GPUs it sees the first unless CUDA_VISIBLE_DEVICES names another, for TRL refuses to share a
process among them; of several processes (ranks.py) each takes its own.
"""

import os

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
if os.environ.get("WORLD_SIZE", "1") == "1":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")

import resource
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers

from training.recipes import ranks
from training.recipes.config import Configuration

SMALL_MODEL = 10_000_000
"""Parameters below which the matrices are too small to share among many threads."""
SMALL_MODEL_THREADS = 2


def prepare_process(config: Configuration) -> None:
    """Seed and quiet libraries. Call once at the start of a recipe.

    Raises ConfigError under a launcher of several processes where they cannot share the work.
    """
    ranks.join(config)
    transformers.utils.logging.disable_progress_bar()
    transformers.set_seed(config.seed)


def resolve_threads(config: Configuration, model: torch.nn.Module) -> int:
    """`threads`; when empty what the environment grants (OMP_NUM_THREADS), else one a core; a
    small model takes two of them at most.
    """
    if config.threads is not None:
        return config.threads
    small = sum(value.numel() for value in model.parameters()) < SMALL_MODEL
    text = os.environ.get("OMP_NUM_THREADS", "")
    granted = int(text) if text.isdecimal() else os.cpu_count() or 1
    return min(granted, SMALL_MODEL_THREADS) if small else granted


def settle(config: Configuration, model: torch.nn.Module) -> dict[str, str | int]:
    """What this machine chooses where the configuration leaves it open."""
    return {"precision": resolve_precision(config), "threads": resolve_threads(config, model)}


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def apply(settled: dict[str, Any]) -> dict[str, Any]:
    """Set the number of threads; returns `settled` for the caller to read the precision from."""
    torch.set_num_threads(settled["threads"])
    return settled


@cache
def processor_flags() -> frozenset[str]:
    """Instruction sets of the CPU as Linux names them; empty where /proc/cpuinfo is missing."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return frozenset()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("flags", "Features")):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


@cache
def bf16_speedup() -> float:
    """How many times faster bf16 is than fp32 here, from one matrix product of each, in seconds of
    the cores: other work does not count. 0 when the processor would emulate it. A CPU with
    avx512_bf16 alone can be slower than its own fp32.
    """
    if torch.cuda.is_available():
        return 2.0 if torch.cuda.is_bf16_supported(including_emulation=False) else 0.0
    if not processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        return 0.0
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = torch.ones(1024, 384, dtype=dtype), torch.ones(384, 1536, dtype=dtype)
        rounds = []
        for _ in range(6):
            start = time.process_time()
            torch.mm(left, right)
            rounds.append(time.process_time() - start)
        seconds[dtype] = min(rounds)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def resolve_precision(config: Configuration) -> str:
    """Either fp32 or bf16; "auto" takes bf16 where it is at least 1.3 times faster.

    Raises ConfigError when bf16 is asked for on a processor that would emulate it.
    """
    config.require(
        "precision",
        config.precision != "bf16" or bf16_speedup() > 0,
        "auto or fp32: this processor has no bf16",
    )
    if config.precision == "auto":
        return "bf16" if bf16_speedup() >= 1.3 else "fp32"
    return config.precision


def peak_memory_mb() -> float:
    """Highest memory so far: of the GPU where one is used, else of this process (resident)."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
