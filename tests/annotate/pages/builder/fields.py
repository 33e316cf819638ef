"""What a browser would send of the project's form, read off its HTML."""

from html.parser import HTMLParser

BUTTONS = ("button", "submit")


class _Form(HTMLParser):
    """Collects the fields of the form `project-form` as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._inside = False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("id") == "project-form"
        name = given.get("name") or ""
        if not self._inside:
            return
        if tag == "input" and name:
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            without = "on" if given.get("type") in ("checkbox", "radio") else ""
            self.fields[name] = given.get("value", without) or ""
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            value = given.get("value") or ""
            if "selected" in given:
                self.fields[self._select] = value
            self.fields.setdefault(self._select, value)

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea":
            text = self.fields[self._area].removeprefix("\n")
            self.fields[self._area] = text.replace("\n", "\r\n")
            self._area = ""
        elif tag == "select":
            self._select = ""


def fields_of(html: bytes) -> dict[str, str]:
    """Name to value, line ends as browsers send them."""
    form = _Form()
    form.feed(html.decode())
    form.fields.pop("csrfmiddlewaretoken", None)
    return form.fields
