"""The methods of consensus, by name. Pure, and without numpy, so that pages can read it."""

MAJORITY, DAWID_SKENE = "majority", "dawid_skene"
PLACKETT_LUCE, SPAN_VOTE = "plackett_luce", "span_vote"
# Raised where a method's answers change for the same labels.
VERSIONS = {MAJORITY: 1, DAWID_SKENE: 1, PLACKETT_LUCE: 1, SPAN_VOTE: 1}
# The one that knows most comes first.
PREFERRED = (DAWID_SKENE, PLACKETT_LUCE, SPAN_VOTE, MAJORITY)
DIVIDED = 0.5  # P(people are of two minds) from which an answer is called divided
