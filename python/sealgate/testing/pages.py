"""What can be read from a page without scripts: its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from sealgate.testing.processes import ControlPlaneError


@dataclass(slots=True)
class Form:
    """A form: where it goes, its fields as they stand, and its buttons: a name, and the values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    buttons: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "button" and self.forms and values.get("name"):
            self.forms[-1].buttons.setdefault(values["name"], []).append(values.get("value", ""))


@dataclass(frozen=True, slots=True)
class Page:
    """An answer at the end of its redirects."""

    url: str
    status: int
    text: str

    def form(self, field_name: str | None = None, *, action: str | None = None) -> Form:
        """The first form, or the first with a field or button of that name or with that action."""
        parser = _Forms()
        parser.feed(self.text)
        for form in parser.forms:
            named = field_name is None or field_name in form.fields or field_name in form.buttons
            if named and action in (None, form.action):
                return form
        raise ControlPlaneError(f"{self.url} ({self.status}) has no such form:\n{self.text[:2000]}")
