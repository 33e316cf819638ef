import pytest

from annotate.factors.languages import differ, language_of, script_of
from annotate.factors.texts import COUNTED, HAD, OF_TEXT, factors_of


def had(text: str, prompt: str = "") -> set[str]:
    values = dict(zip(OF_TEXT, factors_of(prompt, text), strict=True))
    assert all(values[name] in (0, 1) for name in HAD)
    return {name for name in HAD if values[name]}


def counted(text: str) -> dict[str, float]:
    values = dict(zip(OF_TEXT, factors_of("", text), strict=True))
    return {name: values[name] for name in COUNTED if values[name] and name != "length"}


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist you with building this.",
        "I’m not able to provide medical advice.",
        "I'm unable to comply.",
        "As an AI language model, I don't have opinions.",
        "Das kann ich leider nicht sagen. Dabei kann ich dir leider nicht helfen.",
        "Ich kann Ihnen bei diesem Wunsch nicht helfen.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Je ne peux pas vous aider.",
    ],
)
def test_refusals(text) -> None:
    assert "refusal" in had(text)


@pytest.mark.parametrize(
    "text",
    [
        "Plants can't live without light.",
        "You cannot divide by zero.",
        "x" * 400 + " I can't help with that.",
        "Ich kann das gern tun.",
        "",
    ],
)
def test_what_is_no_refusal(text) -> None:
    assert "refusal" not in had(text)


def test_apology_praise_and_a_question_back() -> None:
    assert had("Great question! Unfortunately it rains. Shall we go **inside?**") == {
        "praise", "apology", "asks",
    }  # fmt: skip
    assert had("Gute Frage. Leider nein.") == {"praise", "apology"}
    assert had("好的。要继续吗？") == {"asks"}


def test_counts() -> None:
    text = "I think you might like 3 or 4.5 of [them](http://a.b), certainly! 🎉\n\n| a |\n|---|\n"
    assert counted(text) == {
        "tables": 2, "links": 1, "emoji": 1, "exclamations": 1, "numbers": 2, "hedges": 2,
        "certain": 1, "first_person": 1, "address": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "text", "wanted"),
    [
        ("What is the capital of France?", "The capital of France is the city of Paris.", False),
        (
            "What is the capital of France?",
            "Die Hauptstadt ist Paris, und das ist nicht neu.",
            True,
        ),
        ("What is the capital of France?", "Столица Франции — Париж.", True),
        ("日本の首都はどこですか。", "日本の首都は東京です。", False),
        ("日本の首都はどこですか。", "The capital of it is the city that you name.", True),
        ("2 + 2?", "4", False),
        ("", "Die Hauptstadt ist Paris.", False),
    ],
)
def test_an_answer_in_another_language(prompt, text, wanted) -> None:
    assert differ(prompt, text) is wanted
    assert ("other_language" in had(text, prompt)) is wanted


def test_languages_that_cannot_be_told_are_not_guessed() -> None:
    assert language_of("Ok. Ja.") == ""
    assert language_of("Das ist the one that is nicht ein of the und") == ""
    assert script_of("a б") == ""
    assert script_of("שלום עולם") == "HEBREW"


def test_a_megabyte_is_read_in_passing() -> None:
    for text in ("I can't " * 125_000, "| " * 500_000, "a" * 1_000_000, "](" * 500_000):
        assert len(factors_of(text, text)) == len(OF_TEXT)
