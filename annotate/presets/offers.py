"""What the presets are called and what they are for, in the order in which they are offered.

Words of the page that offers them, which translates them. What a preset asks and its guidelines
become the project's own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from annotate.wording import translatable


@dataclass(frozen=True)
class Offer:
    """A preset's title and description, both messages of the catalogues."""

    title: str
    description: str


OFFERS: Mapping[str, Offer] = {
    "pairs": Offer(
        translatable("Pairs"),
        translatable(
            "Which of two responses is better, and how clearly. The simplest form, and "
            "what most trainers read."
        ),
    ),
    "multipref": Offer(
        translatable("MultiPref: pairs by three criteria"),
        translatable(
            "Helpful, truthful, harmless, and then overall: each with strength, "
            "confidence, reasons to check and one's own reason. Four people an item: two "
            "of the crowd, two experts."
        ),
    ),
    "ultrafeedback": Offer(
        translatable("UltraFeedback: four responses by four criteria"),
        translatable(
            "Every response gets one to five points for following instructions, "
            "truthfulness, honesty and helpfulness."
        ),
    ),
    "helpsteer": Offer(
        translatable("HelpSteer: five attributes"),
        translatable(
            "Helpfulness, correctness, coherence, complexity and verbosity, each from 0 "
            "to 4. The last two describe and do not praise."
        ),
    ),
    "ksort_arena": Offer(
        translatable("K-Sort Arena: rank four at once"),
        translatable(
            "Four anonymous responses to one prompt, ordered from best to worst, ties allowed."
        ),
    ),
    "fine_grained_qa": Offer(
        translatable("Fine-Grained RLHF: errors in answers to questions"),
        translatable(
            "Mark what is wrong where it stands, with evidence from the passages; list "
            "what is missing; then mend the answer with as few changes as you can."
        ),
    ),
    "pair_then_spans": Offer(
        translatable("Pair, then errors in the weaker one"),
        translatable(
            "First which is better; then, where one is, what is wrong with the other, "
            "marked where it stands."
        ),
    ),
    "prm_steps": Offer(
        translatable("PRM: every step of a solution"),
        translatable(
            "A solution step by step: each right, neutral or wrong, with what is wrong about it."
        ),
    ),
    "arena": Offer(
        translatable("Arena: anonymous models, one vote"),
        translatable(
            "People ask what they like, two to six anonymous models reply, and the best is voted "
            "for. The names are told afterwards; the next conversation is there at once."
        ),
    ),
    "prism_chat": Offer(
        translatable("PRISM: talk with four models"),
        translatable(
            "A conversation of one's own choice. Four anonymous models answer every message "
            "and get points; the conversation goes on from the best reply."
        ),
    ),
    "rlhf_v": Offer(
        translatable("RLHF-V: mend what is made up"),
        translatable(
            "Mark what a description claims and the image does not show, and write in its "
            "place what is there."
        ),
    ),
}
