"""The words of each letter: the first line is its subject. A fact that is missing is an error, not a gap."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_words = Environment(
    loader=PackageLoader(__name__, "."),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text; what people wrote is only ever a value, never part of a template
    trim_blocks=True,
    keep_trailing_newline=True,
)


def render(kind: str, facts: dict[str, Any]) -> tuple[str, str]:
    """(subject, text) of the letter `kind`. Raises jinja2.TemplateNotFound, jinja2.UndefinedError."""
    subject, _, text = _words.get_template(f"{kind}.txt").render(facts).partition("\n")
    return subject.strip(), text.strip() + "\n"


def known(kind: str) -> bool:
    return f"{kind}.txt" in _words.list_templates(["txt"])
