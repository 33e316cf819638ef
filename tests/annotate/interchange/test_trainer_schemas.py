"""Rows held against the shapes that the trainers' own documents give, written down as JSON Schema.

LLaMA-Factory: data/README.md (sharegpt, preference and KTO). OpenRLHF: README, preference data with
a chat template. Axolotl: RLHF, `chat_template.default`. verl: "Prepare data for post-training".
OpenAI: direct preference optimization. RewardBench: its data set's card. Label Studio: JSON tasks.
"""

import pytest
from jsonschema import Draft202012Validator

from annotate.interchange.export_formats import EXPORT_FORMATS, write_preference
from tests.annotate.interchange.test_set_exports import ROWS, written
from tests.annotate.interchange.test_trainers import PREFERENCE, PROMPT

TEXT, FLAG = {"type": "string"}, {"type": "boolean"}
ROLES = ("system", "user", "assistant", "tool")


def rows_of(**columns) -> dict:
    """An object of exactly these columns."""
    return {
        "type": "object",
        "properties": columns,
        "required": list(columns),
        "additionalProperties": False,
    }


def message(*roles: str) -> dict:
    return rows_of(role={"enum": list(roles)}, content={"type": "string", "minLength": 1})


def turn(*speakers: str) -> dict:
    return rows_of(**{"from": {"enum": list(speakers)}, "value": TEXT})


TURNS = {"type": "array", "items": message(*ROLES), "minItems": 1}
ANSWER = {"type": "array", "items": message("assistant"), "minItems": 1, "maxItems": 1}
TALK = {"type": "array", "items": turn("human", "gpt", "observation"), "minItems": 1}
RESULT = {
    "type": "object",
    "required": ["from_name", "to_name", "type", "value"],
    "properties": {"from_name": TEXT, "to_name": TEXT, "type": TEXT, "value": {"type": "object"}},
}
SCHEMAS = {
    "llama_factory": rows_of(
        conversations=TALK, system=TEXT, chosen=turn("gpt"), rejected=turn("gpt")
    ),
    "llama_factory_kto": rows_of(conversations=TALK, system=TEXT, kto_tag=FLAG),
    "openrlhf": rows_of(prompt=TURNS, chosen=ANSWER, rejected=ANSWER, margin={"type": "number"}),
    "axolotl": rows_of(messages=TURNS, chosen=message("assistant"), rejected=message("assistant")),
    "verl": rows_of(
        data_source=TEXT,
        prompt=TURNS,
        ability=TEXT,
        reward_model=rows_of(style={"enum": ["model", "rule"]}, ground_truth=TEXT),
        extra_info=rows_of(split={"enum": ["train", "test"]}, index={"type": "integer"}),
    ),
    "openai": rows_of(
        input=rows_of(messages=TURNS, tools={"type": "array"}, parallel_tool_calls=FLAG),
        preferred_output=ANSWER,
        non_preferred_output=ANSWER,
    ),
    "rewardbench": rows_of(
        prompt=TEXT,
        chosen=TEXT,
        chosen_model=TEXT,
        rejected=TEXT,
        rejected_model=TEXT,
        subset=TEXT,
        id={"type": "integer"},
    ),
    "label_studio": {
        "type": "object",
        "required": ["data", "annotations"],
        "properties": {
            "data": {"type": "object"},
            "annotations": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {"result": {"type": "array", "items": RESULT, "minItems": 1}},
                },
            },
        },
    },
}
LONG = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Capital of France?"},
]


def rows(name: str) -> list[dict]:
    if name == "label_studio":
        return written(name, ROWS[name])
    prompts = (PROMPT, PROMPT._replace(system="Be brief.", conversation=LONG))
    return [
        row
        for prompt in prompts
        for row in write_preference(
            PREFERENCE._replace(prompt=prompt), EXPORT_FORMATS[name], weight=False, margin=False
        )
    ]


@pytest.mark.parametrize("name", SCHEMAS)
def test_rows_have_the_trainers_shape(name) -> None:
    check = Draft202012Validator(SCHEMAS[name])
    found = rows(name)
    assert found
    for row in found:
        assert [error.message for error in check.iter_errors(row)] == []
        for column in SCHEMAS[name]["required"]:
            without = {other: value for other, value in row.items() if other != column}
            assert not check.is_valid(without), column


@pytest.mark.parametrize("name", ["llama_factory", "llama_factory_kto"])
def test_llama_factorys_turns_alternate(name) -> None:
    """It drops rows whose turns do not, or whose last one is not that of the other side."""
    for row in rows(name):
        speakers = [turn["from"] for turn in row["conversations"]]
        assert speakers == [("human", "gpt")[place % 2] for place in range(len(speakers))]
        assert speakers[-1] == ("gpt" if name.endswith("kto") else "human")
