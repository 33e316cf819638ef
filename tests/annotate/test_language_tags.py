"""Language tags: the examples of RFC 5646, appendix A, and what is none."""

import pytest

from annotate.inputs import InvalidValue
from annotate.language_tags import clean_language_tag


@pytest.mark.parametrize(
    "tag",
    [
        *("de", "fr", "ja", "zh-Hant", "zh-Hans", "sr-Cyrl", "zh-cmn-Hans-CN", "cmn-Hans-CN"),
        *("zh-yue-HK", "yue-HK", "sr-Latn-RS", "sl-rozaj", "sl-rozaj-biske", "sl-nedis"),
        *("de-CH-1901", "sl-IT-nedis", "hy-Latn-IT-arevela", "de-DE", "en-US", "es-419"),
        *("de-CH-x-phonebk", "az-Arab-x-aze-derbend", "en-US-u-islamcal", "en-a-myext-b-another"),
        "zh-Hant-CN-x-private1-private2",
    ],
)
def test_the_tags_of_the_standard_stay_whatever_their_case(tag) -> None:
    assert clean_language_tag("language", tag) == tag
    assert clean_language_tag("language", f" {tag.upper()} ") == tag
    assert clean_language_tag("language", tag.replace("-", "_")) == tag


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "d", "german", "de-", "-de", "de--DE", "a-DE", "de-419-DE", "en-x", "en-a"),
        *("ＤＥ", "de DE", "de,en", "de\n", "d\0e", "en-" + "x" * 40, None, 3, ["de"], "日本語"),
    ],
)
def test_what_is_no_tag_is_refused_at_its_field(value) -> None:
    if value == "de\n":  # white space around it is nothing
        assert clean_language_tag("language", value) == "de"
        return
    with pytest.raises(InvalidValue, match="no language tag") as refused:
        clean_language_tag("languages.2", value)
    assert refused.value.field == "languages.2"
    assert "\0" not in refused.value.message
