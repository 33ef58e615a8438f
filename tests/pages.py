"""Pages as a browser without scripts takes them: what they say, their forms, and forms sent back filled in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HTML = {"Accept": "text/html"}


@dataclass
class Form:
    """A form: where it goes, and what it would send as it stands."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Collects the forms and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text = ""
        self._select = self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", "")))
        elif tag == "input" and self._counts(found):
            self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif tag == "select":
            self._select = found["name"]
            self.forms[-1].fields.setdefault(self._select, "")
        elif tag == "option" and "selected" in found:
            self.forms[-1].fields[self._select] = found["value"]
        elif tag == "textarea":
            self._area = found["name"]
            self.forms[-1].fields[self._area] = ""

    def _counts(self, found: dict[str, str]) -> bool:
        ticked = found.get("type") not in {"radio", "checkbox"} or "checked" in found
        return bool(self.forms) and "name" in found and ticked

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data
        self.text += " " + " ".join(data.split())


def read(answer: TestResponse) -> Reader:
    return Reader(answer.text)


def see(client: FlaskClient, path: str, status: int = 200) -> Reader:
    """The page at `path`, which answers with `status`."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, (path, answer.status_code, answer.headers.get("Location"))
    return read(answer)


def send(client: FlaskClient, path: str, action: str, /, *, to: str = "", **values: Any) -> TestResponse:
    """Open `path`, fill `values` into its form whose action ends in `action`, and send it (to `to`: another button)."""
    form = next(form for form in see(client, path).forms if form.action.endswith(action))
    return client.post(to or form.action, data=form.fields | values, headers=HTML)
