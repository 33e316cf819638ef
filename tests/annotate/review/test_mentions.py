"""Who is named in a text."""

from hypothesis import given
from hypothesis import strategies as st

from annotate.review.mentions import mentioned, parts

NAMES = {"ada", "ada.l", "bob", "p-1f2e", "Ünal", "a@b.org"}


def test_names_are_found_where_people_write_them():
    assert mentioned("@ada, see @bob.", NAMES) == {"ada", "bob"}
    assert mentioned("(@ada.l) and @ada...", NAMES) == {"ada.l", "ada"}
    assert mentioned("@p-1f2e: @Ünal?", NAMES) == {"p-1f2e", "Ünal"}
    assert mentioned("@a@b.org", NAMES) == {"a@b.org"}
    assert mentioned("mail ada@bob.org, x@ada, @adam, @ADA, @", NAMES) == set()
    assert mentioned("@carl", NAMES) == set()
    assert [tuple(one) for one in parts("so @ada. No", NAMES)] == [
        ("so ", ""), ("@ada", "ada"), (". No", ""),
    ]  # fmt: skip


@given(st.text(alphabet="@adbo.l -\n<", max_size=40))
def test_the_parts_are_the_text(text):
    found = parts(text, NAMES)
    assert "".join(part.text for part in found) == text
    assert all(part.text == f"@{part.name}" for part in found if part.name)
