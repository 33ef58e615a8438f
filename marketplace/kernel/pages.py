"""What every page shares: layout, navigation by role, and how money, times and states are written."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from marketplace.kernel import clock, forms, problems
from marketplace.kernel.access import ANONYMOUS, Actor, Permission, Side, SignInRequired, current_actor
from marketplace.kernel.fields import plain_decimal
from marketplace.kernel.money import MINOR_DIGITS

_REGULAR = ("bag", "litre", "metre", "pack", "pair", "piece", "reel", "roll", "set", "sheet")
_SEVERAL = {"box": "boxes"} | {name: f"{name}s" for name in _REGULAR}
# Where the entries of somebody who buys and sells stand, unless they are the same on both sides or of a group.
SIDES = {Side.BUYER: "Buying", Side.VENDOR: "Selling"}


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the navigation, shown to actors of `side` who hold `permission`; entries of a `group` share one place
    in the first row and stand beside each other in a second one. `called` says how it is called for an actor, "" where
    it does not concern him; it may ask the database, once a page."""

    label: str
    endpoint: str
    permission: Permission
    side: Side
    group: str = ""
    called: Callable[[Actor], str] | None = None

    def shown_to(self, actor: Actor) -> bool:
        return actor.acts_as(self.side) and actor.may(self.permission)


@dataclass(frozen=True, slots=True)
class MenuLink:
    """A link as the header shows it; `current`: it leads to the page that is shown, or above it."""

    label: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """The header's links: the first row, and below it the entries of the group that is open."""

    top: tuple[MenuLink, ...]
    below: tuple[MenuLink, ...]


def init_app(app: Flask, navigation: Sequence[NavItem]) -> None:
    """Filters, and the navigation of this app, for every template."""
    versions: dict[str, str] = {}

    def asset(name: str) -> str:
        """The address of a static file that changes with its content, so that browsers may keep it."""
        if name not in versions or app.debug:
            content = (Path(app.static_folder or "") / name).read_bytes()
            versions[name] = hashlib.sha256(content).hexdigest()[:12]
        return url_for("static", filename=name, v=versions[name])

    @app.context_processor
    def shared() -> dict[str, Any]:
        actor = current_actor()
        return {
            "actor": actor,
            "menu": menu_of(entries_for(actor), request.path),
            "asset": asset,
            "Permission": Permission,
        }

    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(days=365)  # a changed file has another address
    app.extensions["kontor_navigation"] = tuple(navigation)
    app.register_error_handler(SignInRequired, to_sign_in)
    app.jinja_env.globals.update(
        new_key=forms.new_key, typed=forms.typed, sent_form=forms.sent_form, now=clock.now, address_with=address_with
    )
    app.add_template_filter(money_text, "money")
    app.add_template_filter(amount_text, "amount")
    app.add_template_filter(moment_text, "moment")
    app.add_template_filter(day_text, "day")
    app.add_template_filter(words, "words")
    app.add_template_filter(units_text, "units")
    app.add_template_filter(rate_text, "rate")
    app.add_template_filter(percent_text, "percent")


def address_with(changes: Mapping[str, Any]) -> str:
    """The address of this page with some of its query changed; None takes a name away, a list says it several times.
    A page that shows a refused form is found at its own address, not at that of the form.

    Not by url_for, which takes some names (`_scheme`, `endpoint`) for its own, whoever wrote them into the address.
    """
    query: dict[str, Any] = {**request.args.to_dict(flat=False), **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    path = forms.sent_form().address or quote(request.script_root + request.path)
    return f"{path}?{urlencode(kept, doseq=True)}"


def entries_for(actor: Actor) -> list[NavItem]:
    """The entries of the navigation that this actor sees, in the order shown. A page that says that something is
    broken asks the database nothing more."""
    broken = g.get("problem", {}).get("status", 0) >= 500
    entries = [item for item in current_app.extensions["kontor_navigation"] if item.shown_to(actor)]
    if broken:
        return [item for item in entries if item.called is None]
    named = [replace(item, label=item.called(actor)) if item.called else item for item in entries]
    return [item for item in named if item.label]


def menu_of(entries: Sequence[NavItem], path: str) -> Menu:
    """The menu on the page at `path`; a group leads to the first of its entries, and one entry alone is no group. Who
    buys and sells has a group for either, so that one row holds it all."""
    ends = {side: {item.endpoint for item in entries if item.side == side} for side in SIDES}
    on_both = set.intersection(*ends.values())
    parted = SIDES if all(ends.values()) else {}
    rows: dict[str, dict[str, MenuLink]] = {}
    for item in entries:
        group = item.group or ("" if item.endpoint in on_both else parted.get(item.side, ""))
        address = url_for(item.endpoint)
        current = path == address or path.startswith(f"{address}/")
        rows.setdefault(group or item.endpoint, {})[item.endpoint] = MenuLink(item.label, address, current)
    top: list[MenuLink] = []
    below: tuple[MenuLink, ...] = ()
    for name, by_endpoint in rows.items():
        first, *others = links = tuple(by_endpoint.values())
        opened = any(link.current for link in links)
        top.append(MenuLink(name, first.address, opened) if others else first)
        if opened and others:
            below = links
    return Menu(tuple(top), below)


def money_text(minor: int | None, currency: str) -> Markup:
    """`123450, EUR` -> `1,234.50 EUR`, with a hard space."""
    if minor is None:
        return Markup("&ndash;")
    return Markup('<span class="money">{}&nbsp;{}</span>').format(amount_text(minor, currency), currency)


def amount_text(minor: int | None, currency: str) -> Markup:
    """The same without its currency, where a table names it once."""
    if minor is None:
        return Markup("&ndash;")
    digits = MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
    sign = Markup("&minus;") if minor < 0 else Markup()
    return sign + text


def moment_text(at: datetime | None) -> Markup:
    """A time in the operator's zone, with the exact one for machines."""
    if at is None:
        return Markup("&ndash;")
    local = at.astimezone(ZoneInfo(current_app.extensions["kontor_settings"].time_zone))
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), local.strftime("%d %b %Y, %H:%M"))


def day_text(at: datetime | None) -> Markup:
    if at is None:
        return Markup("&ndash;")
    local = at.astimezone(ZoneInfo(current_app.extensions["kontor_settings"].time_zone))
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), local.strftime("%d %b %Y"))


def rate_text(rate: Decimal | str | None, currency: str) -> Markup:
    """`Decimal("0.037500"), EUR` -> `0.0375 EUR`: a unit price keeps the decimals it has, two at least."""
    if rate is None:
        return Markup("&ndash;")
    whole, _, fraction = plain_decimal(Decimal(rate)).partition(".")
    return Markup('<span class="money">{}.{}&nbsp;{}</span>').format(f"{int(whole):,}", fraction, currency)


def percent_text(rate: Decimal | str | None) -> Markup:
    """`Decimal("0.125")` -> `12.5 %`."""
    if rate is None:
        return Markup("&ndash;")
    text = f"{Decimal(rate) * 100:.4f}".rstrip("0").rstrip(".")
    return Markup('<span class="number">{}&nbsp;%</span>').format(text)


def units_text(number: int, unit: str) -> str:
    """`1200, pair` -> `1,200 pairs`. What a vendor calls otherwise, as `kg`, stays as he wrote it."""
    return f"{number:,} {unit if number == 1 else _SEVERAL.get(unit, unit)}"


def words(state: str) -> str:
    """`to_confirm` -> `to confirm`."""
    return str(getattr(state, "value", state)).replace("_", " ")


def to_sign_in(refusal: SignInRequired) -> Response:
    """Where a person who is not signed in is sent, to come back afterwards; a program is told."""
    g.setdefault("actor", ANONYMOUS)  # a refused key is not asked for again by the page that says so
    if not problems.wants_page() or "Authorization" in request.headers:
        return problems.of_refusal(refusal)
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("companies_pages.sign_in", next=here), 303)


def local_path(text: str | None) -> str:
    """`text` where it is a path of this site, else the start page: nobody is led away by a link of ours."""
    if not text or not text.startswith("/") or text.startswith("//"):
        return "/"
    if "\\" in text or any(ord(letter) < 33 or ord(letter) == 127 for letter in text):
        return "/"
    return text
