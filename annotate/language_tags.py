"""Language tags as BCP 47 has them (RFC 5646): "de", "pt-BR", "zh-Hans"."""

import re

from annotate.inputs import InvalidValue

MAX_CHARS = 35  # what RFC 5646, section 4.4.1, asks of those who keep tags

# RFC 5646, section 2.1, without the grandfathered tags and with at most one extended language.
_WELL_FORMED = re.compile(
    r"[a-z]{2,3}(-[a-z]{3})?"  # language, extended language
    r"(-[a-z]{4})?"  # script
    r"(-([a-z]{2}|[0-9]{3}))?"  # region
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(-[0-9a-wyz](-[a-z0-9]{2,8})+)*"  # extensions
    r"(-x(-[a-z0-9]{1,8})+)?",  # private use
    re.ASCII,
)


def clean_language_tag(field: str, value: object) -> str:
    """The tag in the case that RFC 5646, section 2.1.1, recommends. Raises InvalidValue.

    Well-formed is enough; whether the registry has the subtags is not looked up.
    """
    text = value.strip().replace("_", "-").lower() if isinstance(value, str) else ""
    if not text or len(text) > MAX_CHARS or not _WELL_FORMED.fullmatch(text):
        raise InvalidValue(
            field,
            '"{tag}" is no language tag; write such as en, pt-BR or zh-Hans',
            tag=str(value)[:MAX_CHARS].encode("utf-8", "replace").decode().replace("\0", "�"),
        )
    first, *others = text.split("-")
    return "-".join([first, *_cased(others)])


def _cased(subtags: list[str]) -> list[str]:
    """Regions in capitals, scripts with one, as long as no single letter or digit came before."""
    cased = []
    in_extension = False
    for subtag in subtags:
        in_extension = in_extension or len(subtag) == 1
        if not in_extension and len(subtag) == 2:
            subtag = subtag.upper()
        elif not in_extension and len(subtag) == 4 and subtag.isalpha():
            subtag = subtag.title()
        cased.append(subtag)
    return cased
