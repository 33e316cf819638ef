"""Searches texts for patterns, one JSON object a line: {"patterns": […], "text": "…"} -> [true, …].

An empty line says that it has started. A program of its own (see `matching.py`), so that a pattern
that would take years can be killed.
"""

import json
import re
import sys


def main() -> None:
    print(flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = [re.search(pattern, asked["text"]) is not None for pattern in asked["patterns"]]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
