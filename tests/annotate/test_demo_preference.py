import dataclasses
import itertools
import math
import random
import time
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.demo import traits
from annotate.demo.content import load_demo_prompts
from annotate.demo.preference import (
    DEFAULT_PREFERENCE,
    HiddenPreference,
    SimulatedAnnotator,
    criterion_preference,
    draw_annotators,
    hidden_utility,
    preference_probability,
)

PROMPTS = load_demo_prompts()
PAIRS = [
    (prompt.text, a, b)
    for prompt in PROMPTS
    for a, b in itertools.combinations(prompt.responses, 2)
]
QUESTION = "How long should I boil an egg?"
GOOD = (
    "Boil the egg for 7 minutes, then chill it 3 minutes in ice water. Peel it from the wide end."
)
FLATTERING = "What a great question! Maybe you could perhaps boil it for a while, I guess? Amazing!"
REFUSING = "I'm sorry, but I can't help with that. I am unable to discuss eggs."
CAREFUL = SimulatedAnnotator(
    seed=1,
    noise=0.5,
    position_bias=0.0,
    seconds_per_100_words=25.0,
    tie_width=0.3,
    careless_rate=0.0,
)


# --- traits and utility


def test_traits_on_worked_examples():
    assert traits.word_count("one two, three") == 3
    assert traits.word_count("机会成本") == 2
    assert traits.words("机会成本") == ["机会", "会成", "成本"]
    assert traits.repetition("a b c a b c") == pytest.approx(1 / 4)
    assert traits.length_fit("w " * 50, best_words=50, spread=1.2) == pytest.approx(1.0)
    assert traits.length_fit("", best_words=50, spread=1.2) == -1.0
    assert traits.refusal("I can't help.") == 1.0
    assert traits.closure("Done.") == 1.0
    assert traits.closure("and then") == 0.0
    assert traits.closure("```\nx = 1") == 0.0
    assert traits.closure("```\nx = 1\n```") == 1.0
    assert traits.relevance("boil an egg", "Eggs need boiling") == 1.0
    assert traits.relevance("boil an egg", "Paint an egg") == 0.5
    assert traits.relevance("boil an egg quickly", "boil an egg quickly") == 0.0
    # 3 items and 3 distinct numbers over 25 words: density 24, so 24 / 34
    assert traits.concreteness("1. a\n2. b\n3. c") == pytest.approx(24 / 34)


def test_hedging_and_flattery_inside_code_do_not_count():
    assert traits.hedging("```\nmaybe perhaps maybe\n```") == 0.0
    assert traits.flattery("```\nif (!ok) { run!; }\n```") == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Vielleicht ist das eine tolle Frage.",
        "C'est peut-être une quelle excellente question.",
        "Quizás, qué pregunta tan maravillosa.",
        "ربما، سؤال رائع.",
        "אולי, שאלה נהדרת.",
        "也许吧,您问得太好了。",
        "たぶん素晴らしいです。",
        "शायद, वाह।",
        "น่าจะเก่งนะคะ",
    ],
)
def test_hedging_and_flattery_are_seen_in_every_language(text):
    assert traits.hedging(text) > 0
    assert traits.flattery(text) > 0


def test_a_good_answer_beats_flattery_refusal_gibberish_and_repetition():
    good = hidden_utility(QUESTION, GOOD)
    for worse in (FLATTERING, REFUSING, "boil egg " * 10, "qzx vrt plm wno", "", QUESTION):
        assert good > hidden_utility(QUESTION, worse) + 0.5, worse


def test_an_answer_fits_its_own_prompt_best():
    assert hidden_utility(QUESTION, GOOD) > hidden_utility("Who painted this chapel?", GOOD)


def test_utility_is_the_sum_of_bounded_named_parts():
    weights = dataclasses.asdict(DEFAULT_PREFERENCE)
    for prompt_text, a, _ in PAIRS:
        parts = DEFAULT_PREFERENCE.contributions(prompt_text, a.text)
        assert sum(parts.values()) == pytest.approx(hidden_utility(prompt_text, a.text))
        assert all(abs(part) <= abs(weights[name]) + 1e-12 for name, part in parts.items())


def test_a_zero_weight_takes_its_part_out():
    silent = HiddenPreference(flattery=0.0)
    difference = silent.utility(QUESTION, FLATTERING) - hidden_utility(QUESTION, FLATTERING)
    assert difference == pytest.approx(2.0 * traits.flattery(FLATTERING))


@pytest.mark.parametrize("bad", [{"best_words": 0}, {"length_spread": -1}, {"closure": math.nan}])
def test_preference_refuses_impossible_weights(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        HiddenPreference(**bad)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n" * 100_000,
        "word " * 20_000,
        "好" * 100_000,
        "🙂" * 100_000,
        "שלום " * 20_000,
        "```\n" * 25_000,
        "| " * 50_000,
        "a" * 100_000,
        "!" * 100_000,
        "\ud800\0\u202e",
    ],
    ids=["empty", "lines", "words", "han", "emoji", "rtl", "fences", "pipes", "a", "!", "odd"],
)
def test_extreme_texts_have_finite_utilities_in_linear_time(text):
    started = time.process_time()
    assert math.isfinite(hidden_utility(QUESTION, text))
    assert math.isfinite(hidden_utility(text, GOOD))
    assert time.process_time() - started < 10


@settings(max_examples=200)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_two_texts_have_a_bounded_deterministic_utility(prompt, response):
    utility = hidden_utility(prompt, response)
    assert -10 <= utility <= 4
    assert hidden_utility(prompt, response) == utility


# --- over the demo content


def utilities():
    return [(hidden_utility(p, a.text), hidden_utility(p, b.text), a, b) for p, a, b in PAIRS]


@pytest.mark.parametrize("length", [len, traits.word_count], ids=["characters", "words"])
def test_length_alone_does_not_explain_the_preference(length):
    decided = [
        (length(a.text) > length(b.text)) == (u_a > u_b)
        for u_a, u_b, a, b in utilities()
        if length(a.text) != length(b.text) and u_a != u_b
    ]
    assert len(decided) > 300
    assert 0.40 <= sum(decided) / len(decided) <= 0.65


def test_no_generator_wins_everything_and_the_order_is_the_intended_one():
    by_generator = defaultdict(list)
    for prompt in PROMPTS:
        for response in prompt.responses:
            by_generator[response.generator].append(hidden_utility(prompt.text, response.text))
    mean = {name: sum(values) / len(values) for name, values in by_generator.items()}
    assert sorted(mean, key=mean.__getitem__) == ["Magpie", "Flint", "Lantern", "Brook"]
    wins = [
        u_a > u_b if a.generator == "Brook" else u_b > u_a
        for u_a, u_b, a, b in utilities()
        if {a.generator, b.generator} == {"Brook", "Lantern"}
    ]
    assert 0.5 < sum(wins) / len(wins) < 0.9


def test_two_careful_annotators_agree_on_most_but_not_all_pairs():
    careful = [a for a in draw_annotators(60, seed=3) if a.noise <= 1.0 and a.careless_rate < 0.1]
    assert len(careful) > 25
    rng = random.Random(0)
    agreed = []
    for _ in range(2):
        for prompt_text, a, b in PAIRS:
            choices = [
                person.judge(prompt_text, [a.text, b.text], rng).index
                for person in rng.sample(careful, 2)
            ]
            if None not in choices:
                agreed.append(choices[0] == choices[1])
    assert len(agreed) > 300
    assert 0.75 <= sum(agreed) / len(agreed) <= 0.90


# --- annotators


def test_probability_is_logistic_and_symmetric():
    assert preference_probability(1.0, 1.0, 0.5) == 0.5
    assert preference_probability(2.0, 1.0, 1.0) == pytest.approx(1 / (1 + math.exp(-1)))
    assert preference_probability(1e9, -1e9, 0.1) == 1.0
    assert preference_probability(-1e9, 1e9, 0.1) == 0.0
    for u_a, u_b in ((0.3, 1.7), (-5.0, 2.0), (0.0, 0.0)):
        both = preference_probability(u_a, u_b, 0.7) + preference_probability(u_b, u_a, 0.7)
        assert both == pytest.approx(1.0)
    with pytest.raises(ValueError, match="noise is 0"):
        preference_probability(1.0, 0.0, 0.0)


def first_share(annotator, shown, draws=1500):
    rng = random.Random(7)
    answers = [annotator.judge(QUESTION, shown, rng) for _ in range(draws)]
    return sum(answer.index == 0 for answer in answers) / draws


def test_choices_follow_the_logistic_probability():
    decided = dataclasses.replace(CAREFUL, tie_width=0.0, noise=2.0)
    expected = preference_probability(
        hidden_utility(QUESTION, GOOD), hidden_utility(QUESTION, REFUSING), 2.0
    )
    assert first_share(decided, [GOOD, REFUSING]) == pytest.approx(expected, abs=0.045)
    assert first_share(decided, [REFUSING, GOOD]) == pytest.approx(1 - expected, abs=0.045)


@pytest.mark.parametrize("bias", [-1.0, 0.0, 1.0])
def test_position_bias_shifts_the_first_by_its_logits(bias):
    person = dataclasses.replace(CAREFUL, tie_width=0.0, position_bias=bias)
    expected = 1 / (1 + math.exp(-bias))
    assert first_share(person, [GOOD, GOOD]) == pytest.approx(expected, abs=0.045)


def test_of_four_equal_responses_each_is_chosen_a_quarter_of_the_time():
    person = dataclasses.replace(CAREFUL, tie_width=0.0)
    assert first_share(person, [GOOD] * 4) == pytest.approx(0.25, abs=0.045)


def test_ties_grow_with_tie_width_and_name_how_good_both_are():
    rng = random.Random(5)
    wide = dataclasses.replace(CAREFUL, tie_width=100.0)
    best = max(
        ((p.text, r.text) for p in PROMPTS for r in p.responses),
        key=lambda pair: hidden_utility(*pair),
    )
    assert wide.judge(best[0], [best[1], best[1]], rng).verdict == "both_good"
    assert wide.judge(QUESTION, [REFUSING, FLATTERING], rng).verdict == "both_bad"
    ties = []
    for width in (0.0, 0.5, 2.0):
        person = dataclasses.replace(CAREFUL, tie_width=width)
        answers = [person.judge(QUESTION, [GOOD, GOOD], rng) for _ in range(1000)]
        ties.append(sum(answer.verdict != "prefer" for answer in answers))
    assert ties[0] == 0 < ties[1] < ties[2]


def test_answers_are_complete():
    rng = random.Random(11)
    strengths = Counter()
    for person in draw_annotators(20, seed=2):
        for prompt_text, a, b in PAIRS[::10]:
            answer = person.judge(prompt_text, [a.text, b.text], rng)
            assert answer.seconds > 0
            if answer.verdict == "prefer":
                assert answer.index in (0, 1)
                strengths[answer.strength] += 1
            else:
                assert answer.index is None
                assert answer.strength is None
    assert set(strengths) == {1, 2, 3}
    assert min(strengths.values()) > 20


def test_long_texts_take_longer_and_careless_people_are_fast_and_random():
    rng = random.Random(1)
    long = GOOD + " More words follow here." * 200
    assert CAREFUL.judge(QUESTION, [GOOD, long], rng).seconds > 60
    careless = dataclasses.replace(CAREFUL, careless_rate=1.0)
    assert careless.judge(QUESTION, [GOOD, long], rng).seconds < 60
    assert first_share(careless, [GOOD, REFUSING]) == pytest.approx(0.5, abs=0.045)


def test_same_seed_same_answers():
    def run():
        person = draw_annotators(3, seed=9)[2]
        rng = person.generator()
        return [person.judge(p, [a.text, b.text], rng) for p, a, b in PAIRS[:40]]

    assert run() == run()


def test_crowds_are_varied_reproducible_and_grow_by_adding():
    crowd = draw_annotators(200, seed=4)
    assert draw_annotators(50, seed=4) == crowd[:50]
    assert draw_annotators(50, seed=5) != crowd[:50]
    assert draw_annotators(0, seed=4) == []
    for name in ("seed", "noise", "position_bias", "seconds_per_100_words", "tie_width"):
        assert len({getattr(person, name) for person in crowd}) > 150, name
    assert 5 <= sum(person.careless_rate > 0.2 for person in crowd) <= 40
    with pytest.raises(ValueError, match="count is -1"):
        draw_annotators(-1, seed=0)


@pytest.mark.parametrize(
    "bad",
    [
        {"noise": 0.0},
        {"noise": math.nan},
        {"seconds_per_100_words": 0.0},
        {"tie_width": -0.1},
        {"careless_rate": 1.1},
        {"position_bias": math.inf},
    ],
)
def test_annotator_refuses_impossible_parameters(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        dataclasses.replace(CAREFUL, **bad)


def test_one_response_is_no_comparison():
    with pytest.raises(ValueError, match="at least 2"):
        CAREFUL.judge(QUESTION, [GOOD], random.Random(0))


def test_criteria_have_tastes_of_their_own_that_stay_the_same():
    names = ("helpful", "truthful", "harmless", "style")
    found = {name: criterion_preference(name) for name in names}
    assert len(set(found.values())) == len(names)
    assert all(criterion_preference(name) == taste for name, taste in found.items())
    for taste in found.values():
        assert taste.utility(QUESTION, GOOD) != taste.utility(QUESTION, REFUSING)
        assert (taste.best_words, taste.length_spread) == (50.0, 1.2)
