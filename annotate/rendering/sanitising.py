"""The allow-list that everything rendered passes, as if the renderer could not be trusted."""

import nh3

from annotate.rendering import mathml

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("em", "strong", "s", "code", "pre", "span", "div", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *mathml.ELEMENTS,
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start", "dir"},
    "code": {"class"},
    "span": {"class", "data-s", "data-e"},
    **{tag: {"class", "dir", "tabindex"} for tag in ("pre", "div")},
    **{tag: {"dir"} for tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul")},
    **{tag: set(values) for tag, values in mathml.ATTRIBUTES.items()},
}


def sanitise(html: str) -> str:
    """Only the tags and attributes that the renderer makes; links lead away and are marked so."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
