"""What the web process loads: never a training library, so that it stays small and starts fast."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, sys
import config.wsgi
from django.urls import get_resolver
addresses = len(get_resolver().reverse_dict) + len(get_resolver().namespace_dict)
heavy = {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "sklearn"}
# numpy, for workers
heavy |= {"annotate.services.reports.quality_reports", "annotate.quality.summary"}
print(json.dumps({"heavy": sorted(heavy & set(sys.modules)), "addresses": addresses}))
"""


def test_the_web_process_loads_no_training_library():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["addresses"] > 5, "the views were not loaded, so the test would prove nothing"
    assert loaded["heavy"] == []
