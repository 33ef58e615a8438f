"""Connected accounts: what they may do follows from what was told and asked; the platform bears their losses."""

import html
import secrets
from typing import Any

from settlements.gateway.sandbox.errors import ApiError, invalid
from settlements.gateway.sandbox.payments import CURRENCIES
from settlements.gateway.sandbox.store import Record
from settlements.gateway.sandbox.world import Call, World, checked_metadata

_AT_FIRST = ["business_profile.url", "company.tax_id", "external_account", "tos_acceptance.date"]
_LINK_LIVES_S = 300
_CHANGES = (
    "id", "onboard", "closed", "capabilities", "requirements", "payouts_enabled", "currencies", "payout_interval",
)  # fmt: skip
_REQUIREMENTS = (
    "currently_due", "past_due", "eventually_due", "pending_verification", "current_deadline", "disabled_reason",
)  # fmt: skip
_STATES = ("active", "inactive", "pending")


def create(world: World, call: Call) -> Record:
    given = call.params
    controller = given.get("controller", {})
    if controller.get("losses", {}).get("payments") != "application" or given.get("type"):
        raise invalid(
            "Separate charges and transfers need `controller[losses][payments]` to be `application`.",
            param="controller[losses][payments]",
        )
    country = given.get("country", "DE")
    if len(country) != 2 or not country.isupper():
        raise invalid(f"Country '{country}' is unknown.", param="country", code="country_unsupported")
    currency = given.get("default_currency", "eur").lower()
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}", param="default_currency")
    made = world.store.add("", "account", _new_account(given, controller, country, currency))
    world.announce_for(made["id"], "account.updated", made)
    return made


def _new_account(given: Record, controller: Record, country: str, currency: str) -> Record:
    wanted = [name for name, asked in given.get("capabilities", {}).items() if asked.get("requested")]
    payouts = given.get("settings", {}).get("payouts", {})
    return {
        "business_profile": {"name": None, "url": None},
        "business_type": given.get("business_type"),
        "capabilities": dict.fromkeys(wanted, "inactive"),
        "charges_enabled": False,
        "company": {"name": given.get("company", {}).get("name")},
        "controller": {"type": "application", "is_controller": True} | controller,
        "country": country,
        "default_currency": currency,
        "details_submitted": False,
        "email": given.get("email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False},
        "metadata": checked_metadata(given),
        "payouts_enabled": False,
        "requirements": _requirements(
            currently_due=_AT_FIRST,
            past_due=_AT_FIRST,
            eventually_due=_AT_FIRST,
            disabled_reason="requirements.past_due",
        ),
        "settings": {
            "payouts": {
                "debit_negative_balances": payouts.get("debit_negative_balances", False),
                "schedule": {"delay_days": 2, "interval": "daily"} | payouts.get("schedule", {}),
            }
        },
        "type": "none",
    }


def _requirements(**due: Any) -> Record:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    } | due


def retrieve(world: World, call: Call, account_id: str) -> Record:
    found = world.store.find("", "account", account_id)
    if found is None or call.account not in ("", account_id):
        raise no_access(account_id)
    return found


def no_access(account_id: str) -> ApiError:
    return ApiError(
        403,
        "invalid_request_error",
        f"The provided key does not have access to account '{account_id}' (or that account does not exist).",
        stored=False,
        code="account_invalid",
    )


def known(world: World, account_id: str) -> bool:
    """May `Stripe-Account` name it?"""
    found = world.store.find("", "account", account_id)
    return found is not None and not found.get("closed")


def create_link(world: World, call: Call) -> Record:
    given = call.params
    account = world.load(call, "account", given["account"], "account")
    if given["type"] != "account_onboarding":
        raise invalid("Only onboarding links are made here.", param="type")
    for name in ("return_url", "refresh_url"):
        if not str(given.get(name, "")).startswith(("http://", "https://")):
            raise invalid(f"Not a valid URL: {name}", param=name, code="url_invalid")
    token = secrets.token_urlsafe(12)
    made = world.store.now()
    pages = {"account": account["id"], "return_url": given["return_url"], "refresh_url": given["refresh_url"]}
    world.store.set_setting(f"link_{token}", pages | {"expires_at": made + _LINK_LIVES_S})
    return {
        "object": "account_link",
        "created": made,
        "expires_at": made + _LINK_LIVES_S,
        "url": f"{call.base_url}_setup/{token}",
    }


def setup_page(world: World, token: str) -> str | None:
    """What a vendor sees who follows a link; None: it is used or too old."""
    link = world.store.setting(f"link_{token}")
    if not link or link["expires_at"] < world.store.now():
        return None
    account = world.store.find("", "account", link["account"])
    due = "".join(
        f"<li>{html.escape(name)}" for name in (account or {}).get("requirements", {}).get("currently_due", [])
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Payment sandbox</title><h1>Tell the payment sandbox about your company</h1>"
        f"<p>Account {html.escape(link['account'])} still needs:<ul>{due or '<li>nothing'}</ul>"
        "<form method=post><button>Tell it everything</button></form></html>"
    )


def finish_setup(world: World, token: str) -> str | None:
    """Everything is told: where the vendor goes on."""
    link = world.store.setting(f"link_{token}")
    if not link or link["expires_at"] < world.store.now():
        return None
    world.store.set_setting(f"link_{token}", None)
    change(world, {"id": link["account"], "onboard": True})
    return str(link["return_url"])


def change(world: World, wanted: Record) -> Record:
    """By script: {"id", "onboard": true} or any of _CHANGES; an unknown id becomes an account that may do all."""
    for name in wanted:
        if name not in _CHANGES:
            raise invalid(f"Unknown change of an account: {name}; known: {', '.join(_CHANGES)}", param=name)
    account = world.store.find("", "account", wanted["id"])
    if account is None:
        blank = _new_account({"capabilities": {"transfers": {"requested": True}}}, {}, "DE", "eur")
        account = world.store.add("", "account", blank | {"id": wanted["id"]})
        wanted = {"onboard": True} | wanted
    if wanted.get("onboard"):
        _onboard(account)
    _apply(account, wanted)
    world.store.save(account)
    world.announce_for(account["id"], "account.updated", account)
    return account


def _onboard(account: Record) -> None:
    account.update(
        capabilities=dict.fromkeys(account["capabilities"], "active"),
        charges_enabled=True,
        details_submitted=True,
        payouts_enabled=True,
        requirements=_requirements(),
    )
    if not account["external_accounts"]["data"] or any(bank["status"] != "new" for bank in banks(account)):
        _set_banks(account, [account["default_currency"]])


def _apply(account: Record, wanted: Record) -> None:
    for name, state in wanted.get("capabilities", {}).items():
        if state not in _STATES:
            raise invalid(f"A capability is one of {', '.join(_STATES)}.", param="capabilities")
        account["capabilities"][name] = state
    for name, value in wanted.get("requirements", {}).items():
        if name not in _REQUIREMENTS:
            raise invalid(f"Unknown requirement field: {name}", param="requirements")
        account["requirements"][name] = value
    if "currencies" in wanted:
        _set_banks(account, [currency.lower() for currency in wanted["currencies"]])
    if "payouts_enabled" in wanted:
        account["payouts_enabled"] = bool(wanted["payouts_enabled"])
    if "payout_interval" in wanted:
        account["settings"]["payouts"]["schedule"]["interval"] = wanted["payout_interval"]
    if wanted.get("closed"):
        account["closed"] = True


def banks(account: Record) -> list[Record]:
    found: list[Record] = account["external_accounts"]["data"]
    return found


def bank_for(account: Record, currency: str) -> Record | None:
    """The bank account that takes this currency and works."""
    return next((bank for bank in banks(account) if bank["currency"] == currency and bank["status"] == "new"), None)


def _set_banks(account: Record, currencies: list[str]) -> None:
    account["external_accounts"]["data"] = [
        {
            "id": "ba_" + secrets.token_hex(12),
            "object": "bank_account",
            "account": account["id"],
            "bank_name": "STRIPE TEST BANK",
            "country": account["country"],
            "currency": currency,
            "default_for_currency": True,
            "last4": "3000",
            "metadata": {},
            "status": "new",
        }
        for currency in currencies
    ]


def disable_bank(world: World, account_id: str, bank_id: str | None) -> None:
    """After a payout came back: no more payouts to this bank account until another is told."""
    account = world.store.find("", "account", account_id)
    if account is None:
        return
    for bank in banks(account):
        if bank["id"] == bank_id:
            bank["status"] = "errored"
            world.announce_for(account_id, "account.external_account.updated", bank)
    account["payouts_enabled"] = False
    due = account["requirements"]
    due["currently_due"] = sorted({*due["currently_due"], "external_account"})
    due["disabled_reason"] = due["disabled_reason"] or "requirements.past_due"
    world.store.save(account)
    world.announce_for(account_id, "account.updated", account)
