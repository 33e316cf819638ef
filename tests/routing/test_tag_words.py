"""Tags of prompts in other languages: every one has a word, and its value stays what it is."""

import pytest
from django.urls import reverse
from django.utils import translation

from routing.features.tagger import PROMPT_TAGS
from routing.words.tag import WORDS, tag_word

GERMAN = {"accept-language": "de"}


def test_every_tag_has_a_word() -> None:
    assert {part for tag in PROMPT_TAGS for part in tag.split(": ")} == set(WORDS)
    with translation.override("en"):
        assert [tag_word(tag) for tag in PROMPT_TAGS] == [*PROMPT_TAGS]
        assert tag_word("of another taxonomy: odd") == "of another taxonomy: odd"
    with translation.override("de"):
        assert tag_word("safety: low") == "Sicherheit: gering"
        assert tag_word("subject: computer science") == "Thema: Informatik"


@pytest.mark.parametrize("address", ["tags", "policies"])
def test_pages_say_the_word_and_send_the_name(client, make_project, address) -> None:
    project = make_project()
    client.force_login(project.created_by)
    project.judges.create(name="Rules", version=1, kind="rules", config={})
    page = client.get(reverse(address, args=[project.pk]), headers=GERMAN).content.decode()
    assert 'value="safety: low"' in page
    assert "Sicherheit: gering" in page
    assert ">safety: low" not in page
