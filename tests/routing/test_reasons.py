"""Reasons of decisions and places: kept short, told in every language, old ones as they are."""

import json

import pytest
from django.utils import translation

from annotate.wording import Told
from config.translations import read_catalogue
from routing.features.likeness import SCORES
from routing.features.spec import FeatureSpec
from routing.templatetags.deciding import loss, whys
from routing.words.column import SILENT, column_word, signals_of_judge
from routing.words.reasons import REASONS, in_english, why
from tests.annotate.pages.test_reasons import names_in


def in_german(*reasons) -> str:
    with translation.override("de"):
        return whys(json.loads(json.dumps(reasons)))


@pytest.mark.parametrize("code", REASONS)
def test_each_names_what_it_keeps_and_is_in_the_catalogue(code) -> None:
    text, styles = REASONS[code]
    assert names_in(text) == set(styles)
    known = read_catalogue("de").get(text)
    assert known is not None
    assert known.string
    assert names_in(known.string) == set(styles)


def test_in_both_languages() -> None:
    reasons = [why("at least", 0.9612, 0.9), why("audit", 10.0), why("held out")]
    assert json.loads(json.dumps(reasons)) == [["at least", 0.96, 0.9], ["audit", 10], ["held out"]]
    assert in_english(reasons) == [
        "the judge is 0.96 sure, at least 0.90",
        "drawn for the audit (10 % of the judge's share)",
        "its prompt is held out for tests, which need people",
    ]
    assert in_german(*reasons) == (
        "der Judge ist zu 0,96 sicher, mindestens 0,90; "
        "zur Prüfung gezogen (10 % vom Anteil des Judges); "
        "der Prompt ist für Tests zurückgehalten, und die brauchen Menschen"
    )


def test_names_of_tags_and_signals_are_said_in_the_readers_words() -> None:
    reasons = [why("adds", "safety: low", 0.123456), why("adds", "gpt v2 is sure", -2e-5)]
    assert in_english(reasons) == ["safety: low (+0.12)", "gpt v2 is sure (about 0)"]
    assert in_german(*reasons) == "Sicherheit: gering (+0,12); gpt v2 ist sicher (etwa 0)"


def test_tags_that_all_add_next_to_nothing_are_not_told_one_by_one() -> None:
    nothing = [why("adds", "safety: low", 4e-5), why("adds", "gpt v2 is sure", -2e-5)]
    assert whys([*nothing, why("held out")]) == (
        "no single tag or signal moves it; its prompt is held out for tests, which need people"
    )
    assert whys([why("held out")]) == "its prompt is held out for tests, which need people"
    assert len(in_english(nothing)) == len(nothing)
    assert whys(["adds up"]) == "adds up"  # a sentence of the days before there were codes


def test_numbers_of_rows_that_were_kept_before_are_told_by_the_same_rule() -> None:
    kept = [["adds", "safety: low", -6e-06], ["adds", "safety: low", 0], ["explored", 0.0625]]
    assert in_english(kept) == [
        "safety: low (about 0)",
        "safety: low (0)",
        "drawn to explore, probability 0.062",
    ]
    assert in_german(kept[0]) == "Sicherheit: gering (etwa 0)"


def test_what_people_named_stays() -> None:
    assert "in law nicht" in in_german(why("untested stratum", "gpt v2", "law"))
    assert "in Recht nicht" in in_german(why("untested subject", "gpt v2", "law"))


def test_a_judge_says_itself_why_it_abstains() -> None:
    values = why("abstains", Told("no answer for {seconds} s", seconds=0.5))
    assert in_english([values]) == ["the judge abstains: no answer for 0.5 s"]
    assert in_german(values) == "der Judge enthält sich: 0,5 s lang keine Antwort"
    said = why("abstains", "the rules hold for both alike")
    assert in_english([said]) == ["the judge abstains: the rules hold for both alike"]
    assert in_german(said) == "der Judge enthält sich: die Regeln treffen auf beide gleich zu"
    assert in_german(why("abstains", "{odd}")) == "der Judge enthält sich: {odd}"


def test_what_was_kept_as_a_sentence_is_told_as_it_is() -> None:
    assert in_english(["gone {odd} (+1)"]) == ["gone {odd} (+1)"]
    assert in_german("gone {odd} (+1)") == "gone {odd} (+1)"


def test_a_number_that_json_lacks() -> None:
    kept = why("rival", "a", float("inf"))
    assert json.loads(json.dumps(kept)) == ["rival", "a", "inf"]
    assert in_english([kept]) == ["against a (may reach inf)"]


def test_a_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        why("below", 0.5)


def test_every_column_has_a_word() -> None:
    spec = FeatureSpec(1, ((0.0, 1.0),) * len(SCORES), "rules 1")
    columns = {*spec.names, *signals_of_judge("gpt v2"), SILENT, "gpt v2 is sure unknown"}
    assert len(columns) == 96
    with translation.override("de"):
        assert not {name for name in columns if column_word(name) == name}
        assert column_word("rouge_l: middle") == "ähnlich nach ROUGE-L: mittel"
        assert column_word("gpt v2 is sure unknown") == "gpt v2 ist sicher: unbekannt"


def test_a_loss_below_0_is_shown_as_0() -> None:
    assert [loss(value) for value in (0.0904, -1.287, None)] == ["0.090", "0.000", "–"]
