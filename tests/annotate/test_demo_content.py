import json
from collections import Counter, defaultdict

import pytest

from annotate.demo.content import DemoContentError, load_demo_prompts, parse_demo_line

PROMPTS = load_demo_prompts()
LINE = {
    "id": "demo-x-01",
    "prompt": [{"role": "user", "content": "Hello?"}],
    "language": "en",
    "taxonomy": "everyday/x",
    "responses": [
        {"generator": "Brook", "generator_version": "1", "text": "Hello."},
        {"generator": "Flint", "generator_version": "1", "text": "What?"},
    ],
}


def test_content_is_as_large_and_varied_as_promised():
    assert len(PROMPTS) >= 64
    assert all(3 <= len(prompt.responses) <= 4 for prompt in PROMPTS)
    languages = Counter(prompt.language for prompt in PROMPTS)
    assert languages["en"] > len(PROMPTS) / 2
    assert all(
        languages[code] >= 2 for code in ("de", "fr", "es", "ar", "he", "zh", "ja", "hi", "th")
    )
    assert len({prompt.taxonomy.split("/")[0] for prompt in PROMPTS}) >= 8
    assert sum(len(prompt.conversation) > 1 for prompt in PROMPTS) >= 3
    assert sum(bool(prompt.system) for prompt in PROMPTS) >= 3


def test_content_shows_what_the_pages_must_render():
    texts = [response.text for prompt in PROMPTS for response in prompt.responses]
    assert sum("```" in text for text in texts) >= 20
    assert sum("|---" in text for text in texts) >= 20
    assert sum("$$" in text for text in texts) >= 8
    assert sum(len(text.split()) >= 600 for text in texts) >= 4
    assert sum(any(ord(character) > 0x1F300 for character in text) for text in texts) >= 20


def test_code_fences_are_closed():
    for prompt in PROMPTS:
        for response in prompt.responses:
            fences = sum(line.strip().startswith("```") for line in response.text.split("\n"))
            assert fences % 2 == 0, prompt.id


def test_ids_and_texts_are_distinct_and_ids_name_their_file():
    ids = [prompt.id for prompt in PROMPTS]
    assert len(set(ids)) == len(ids)
    assert len({prompt.text for prompt in PROMPTS}) == len(PROMPTS)
    for prompt in PROMPTS:
        texts = [response.text.casefold().strip() for response in prompt.responses]
        assert len(set(texts)) == len(texts), prompt.id
        assert prompt.id.startswith("demo-")


def test_generators_are_the_four_fictional_ones_and_take_every_place():
    places = defaultdict(set)
    for prompt in PROMPTS:
        for place, response in enumerate(prompt.responses):
            places[response.generator].add(place)
    assert set(places) == {"Brook", "Lantern", "Magpie", "Flint"}
    assert all(len(seen) >= 3 for seen in places.values())


def test_texts_are_clean_unicode():
    for prompt in PROMPTS:
        for text in [prompt.text, prompt.system, *(item.text for item in prompt.responses)]:
            assert "\0" not in text
            assert "\ufffd" not in text
            assert text == text.strip()
            text.encode("utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "id must be non-empty text"),
        ({"language": 7}, "language must be non-empty text, got 7"),
        ({"system": ""}, "system must be non-empty text"),
        ({"prompt": []}, "prompt must be a list"),
        ({"prompt": ["hi"]}, r"prompt\[0\] must be an object"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "expected 'user'"),
        ({"prompt": [{"role": "user", "content": " "}]}, r"prompt\[0\]: content must be"),
        ({"responses": LINE["responses"][:1]}, "responses must be a list of at least 2"),
        ({"responses": [LINE["responses"][0]] * 2}, r"responses\[1\].text repeats"),
        (
            {"responses": [LINE["responses"][0], {**LINE["responses"][0], "text": "Other."}]},
            "'Brook' answers twice",
        ),
    ],
)
def test_bad_line_is_refused_with_place_and_field(change, message):
    parse_demo_line(json.dumps(LINE), place="a.jsonl:3")
    with pytest.raises(DemoContentError, match=message) as caught:
        parse_demo_line(json.dumps({**LINE, **change}), place="a.jsonl:3")
    assert str(caught.value).startswith("a.jsonl:3")


def test_conversation_must_end_with_the_user():
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    with pytest.raises(DemoContentError, match="end with 'user'"):
        parse_demo_line(json.dumps({**LINE, "prompt": turns}), place="a.jsonl:1")


def test_files_are_checked_for_json_encoding_repeated_ids_and_absence(tmp_path):
    with pytest.raises(DemoContentError, match="the demo content is missing"):
        load_demo_prompts(tmp_path)
    path = tmp_path / "a.jsonl"
    path.write_text("{nope", encoding="utf-8")
    with pytest.raises(DemoContentError, match="jsonl:1: not JSON"):
        load_demo_prompts(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DemoContentError, match="jsonl: not UTF-8"):
        load_demo_prompts(tmp_path)
    path.write_text(f"{json.dumps(LINE)}\n\n{json.dumps(LINE)}\n", encoding="utf-8")
    with pytest.raises(DemoContentError, match="jsonl:3: id 'demo-x-01' is already used"):
        load_demo_prompts(tmp_path)
