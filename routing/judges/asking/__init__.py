"""How a language model is asked for each kind of feedback, and how its answer is read.

One module a kind. `WAYS` finds it by the kind's name; `contract.Way` tells what it has.
"""

from routing.judges.asking import critique, pairwise, ranking, rating, spans
from routing.judges.asking.contract import InvalidAnswer, Reading, Way, Wording

WAYS: dict[str, Way] = {way.KIND: way for way in (pairwise, ranking, rating, spans, critique)}

__all__ = ["WAYS", "InvalidAnswer", "Reading", "Way", "Wording"]
