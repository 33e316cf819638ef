"""Reading a form's fields into values that a kind's `clean_value` can speak about."""


def number(text: str) -> int | str:
    """A whole number; what is none stays the text it is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
