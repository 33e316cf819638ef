"""What kinds bring of themselves is said in the reader's language, what people wrote is not."""

from django.utils import translation

from annotate import kinds
from annotate.pages.kinds.default_words import DEFAULTS, in_readers_words, said
from config.translations import read_catalogue


def settings_of(kind: str, **raw):
    return in_readers_words(kinds.get(kind).clean_settings(raw))


def test_every_default_is_in_the_catalogue() -> None:
    catalogue = read_catalogue("de")
    assert len(DEFAULTS) == 11
    for text in DEFAULTS:
        assert catalogue.get(text).string, text


def test_defaults_are_said_and_names_stay() -> None:
    with translation.override("de"):
        spans, rating, labels = (settings_of(kind) for kind in ("spans", "rating", "labels"))
        assert said("overall") == "insgesamt"
    assert [one.title for one in spans.types][2:4] == [
        "Widersprüchliche Angabe",
        "Nicht belegte Angabe",
    ]
    assert spans.missing_types[0].title == "Fehlende Antwort"
    assert (spans.types[2].name, rating.criteria[0].name) == ("inconsistent", "overall")
    assert rating.criteria[0].title == "insgesamt"
    assert [(one.name, one.title) for one in labels.tree] == [("yes", "ja"), ("no", "nein")]


def test_what_people_wrote_stays() -> None:
    with translation.override("de"):
        spans = settings_of("spans", types=[{"name": "irrelevant", "title": "Off the subject"}])
        rating = settings_of("rating", criteria=[{"name": "overall", "title": "Overall quality"}])
        tree = [{"name": "harm", "children": [{"name": "no"}]}]
        labels = settings_of("labels", tree=tree)
    assert spans.types[0].title == "Off the subject"
    assert rating.criteria[0].title == "Overall quality"
    assert labels.tree[0].title == ""
    assert labels.tree[0].children[0].title == "nein"
