"""Names for annotators of imported data that say nothing about them."""

from functools import lru_cache

from django.utils.crypto import salted_hmac


@lru_cache(maxsize=10_000)
def imported_pseudonym(project_id: int, author: str) -> str | None:
    """A file may name annotators by e-mail; the same name gives the same pseudonym here."""
    if not author:
        return None
    return f"i-{salted_hmac('annotate.imported_author', f'{project_id}:{author}').hexdigest()[:10]}"
