"""The alternative annotator test of GPT judges on real labels: `python -m benchmarks.judge_tests`.

MT-Bench's people and GPT-4 (both orders), LLMFAO's crowd with GPT-3.5 and GPT-4 (one order), for
the three values of epsilon that the paper gives. What a judge calls a tie is left out, as a
project leaves out what it abstains from.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.report import print_table, write_json
from benchmarks.routing_data import Source, llmfao, mt_bench
from routing.guarantee.alternative_annotator import may_replace

EPSILONS = (0.1, 0.15, 0.2)
HEADERS = ["data", "judge", "epsilon", "winning rate", "advantage", "people", "items", "passed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    rows = [row for read in (mt_bench, llmfao) for row in tested(read(arguments.data))]
    print_table(HEADERS, [list(row.values()) for row in rows])
    write_json("judge_tests", results=rows)


def tested(source: Source) -> list[dict]:
    """A row for each judge and epsilon."""
    votes = np.array([(n, r, said) for n, p in enumerate(source.pairs) for r, _, said in p.votes])
    found = []
    for place, judge in enumerate(source.judges):
        labels = np.array([pair.judges[place] for pair in source.pairs])
        clear = votes[labels[votes[:, 0]] != 0]
        for epsilon in EPSILONS:
            told = may_replace(clear[:, 0], clear[:, 1], clear[:, 2], labels, epsilon=epsilon)
            found.append(
                {
                    **{"data": source.name, "judge": judge, "epsilon": epsilon},
                    **{"winning_rate": told.winning_rate, "advantage": told.advantage},
                    **{"people": told.people, "items": told.items, "passed": told.passed},
                }
            )
    return found


if __name__ == "__main__":
    main()
