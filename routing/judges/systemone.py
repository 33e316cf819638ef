"""The judge kind `systemone`: a model that gives typed choices with probabilities.

`transformers serve` answers `POST /v1/systemone` so, for any chat model and for models with a head
of their own; its chat completions ignore `logprobs`, so for pairs this is the better way to a model
on one's own machine. Both orders are asked, as of kind `openai`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from annotate.chat.completions import Target
from annotate.chat.decisions import choose
from annotate.inputs import Checks, clean_number, clean_text
from annotate.kinds import answers
from routing.judges import PAIRS, JudgeKind, Question
from routing.judges.asking import Wording, pairwise
from routing.judges.asking.contract import compose
from routing.judges.calling import Call
from routing.judges.desk import Key, Wanted
from routing.judges.length import COEFFICIENT, MOST
from routing.judges.openai import MAX_PRINCIPLES, OpenAIJudge, most_tokens, template_of

NAME = "systemone"
FIELDS = ("base_url", "model", "key_name", "principles", COEFFICIENT)
TASK = "Which response to the last turn is better, A or B?"
OPTIONS = {"A": "Response A is better", "B": "Response B is better"}


def clean(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A manager's config with defaults filled in. Raises InvalidValue. Address and key as of kind
    `openai`.
    """
    given = answers.clean_object("config", raw, FIELDS)
    checks = Checks()

    def of(check: Callable[..., Any], name: str, default: Any, **named: Any) -> Any:
        return checks.of(check, f"config.{name}", given.get(name, default), **named)

    config = {
        "base_url": of(clean_text, "base_url", "", max_chars=500),
        "model": of(clean_text, "model", "", max_chars=200, required=True, lines=False),
        "key_name": of(clean_text, "key_name", "", max_chars=50),
        "principles": of(clean_text, "principles", "", max_chars=MAX_PRINCIPLES),
    }
    coefficient = of(clean_number, COEFFICIENT, 0, low=-MOST, high=MOST)
    checks.end()
    config["model"] = config["model"].strip()
    if coefficient:
        config[COEFFICIENT] = coefficient
    return config


class SystemOneJudge(OpenAIJudge):
    """One choice between the letters for each order; what becomes of the two is as of letters."""

    @property
    def wording(self) -> Wording:
        return Wording(self.config["principles"])

    def keys_of(self, question: Question) -> list[Key]:
        return [Key(question.task_id, shown, 0) for shown in pairwise.showings(question)]

    def call_for(self, question: Question, key: Key) -> Call:
        wording, config = self.wording, self.config
        head, material = compose(question, key.shown, task=TASK, wording=wording)
        secret = self.desk.secret(config["key_name"], config["base_url"])
        target = Target(config["base_url"], config["model"], secret=secret)
        return Call(
            wanted=Wanted(key, template_of(question), most_tokens([head, material]), 0),
            send=lambda client: choose(
                client,
                target,
                material["content"],
                head["content"],
                OPTIONS,
                private_hosts=self.desk.private_hosts,
            ),
            read=lambda said: pairwise.read(said, question, key.shown, wording),
        )


KIND = JudgeKind(
    name=NAME,
    make=SystemOneJudge,
    clean=clean,
    asks=PAIRS,
    calls=True,
    priced=True,
)
