"""Reading a form's fields into values that a kind's `clean_value` can speak about."""

from django.utils.datastructures import MultiValueDict


def written(post: MultiValueDict, name: str) -> str:
    """A text; browsers send line ends as CR LF when the form goes without scripts."""
    return (post.get(name) or "").replace("\r\n", "\n")


def number(text: str) -> int | str:
    """A whole number; what is none stays the text it is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
