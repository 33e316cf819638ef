"""Which principles are the same in nearly the same words."""

from routing.principles.likeness import distinct


def test_nearly_the_same_words_are_one_principle() -> None:
    found = distinct(
        [
            (1, "Prefer the response that is short."),
            (2, "Prefer the response that cites sources"),
            (3, "prefer responses that cite a source!"),
            (3, "Cites its sources."),
            (4, "Prefer the response that cites no source"),
            (5, "Prefer the response that cites sources and figures with dates"),
            (6, "Prefer the response that is not short"),
        ]
    )
    assert [(one.text, one.prompts) for one in found] == [
        ("Prefer the response that cites sources", {2, 3}),
        ("Prefer the response that is short.", {1}),
        ("Prefer the response that cites no source", {4}),
        ("Prefer the response that cites sources and figures with dates", {5}),
        ("Prefer the response that is not short", {6}),
    ]


def test_texts_of_empty_words_and_other_scripts_are_kept_apart() -> None:
    found = distinct([(1, "that is it"), (2, "彼は短い"), (3, "أقصر"), (4, "")])
    assert len(found) == 4
    assert distinct([]) == []
