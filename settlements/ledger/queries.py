"""The books as the operator reads them, page by page."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.web import Page, paginate
from settlements.ledger import books
from settlements.ledger.models import Account, Journal, Posting


def accounts(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of accounts, by id."""
    return paginate(books.accounts(actor, args["kind"], args["party"]), args, Account.id, descending=False)


def statement(actor: Actor, account_id: uuid.UUID, args: Mapping[str, Any]) -> dict[str, Any]:
    """An account with a page of its postings, newest first. Raises AccountNotFound."""
    account, balance_minor = books.account(actor, account_id)
    page = postings(actor, account, args)
    return {"account": account, "balance_minor": balance_minor, "items": page.items, "next": page.next}


def postings(actor: Actor, account: Account, args: Mapping[str, Any]) -> Page:
    """A page of the postings of an account with what was booked, newest first."""
    kept = (Posting.position,) if account.postings is not None else (Posting.journal_id, Posting.number)
    page = paginate(books.postings_of(actor, account), args, *kept)
    journals = books.journals_by_id(posting.journal_id for posting in page.items)
    return Page([_with_journal(posting, journals[posting.journal_id]) for posting in page.items], page.next)


def journals(actor: Actor, args: Mapping[str, Any]) -> Page:
    """A page of journals with their lines, newest first."""
    page = paginate(books.journals(actor, args["order_id"], args["source"]), args, Journal.id)
    lines = books.postings_by_journal([journal.id for journal in page.items])
    return Page([_with_lines(journal, lines[journal.id]) for journal in page.items], page.next)


def _with_journal(posting: Posting, journal: Journal) -> dict[str, Any]:
    own = ("kind", "amount_minor", "currency", "order_id", "vendor_order_id", "journal_id")
    shared = ("source", "event", "occurred_at", "booked_at")
    return {name: getattr(posting, name) for name in own} | {name: getattr(journal, name) for name in shared}


def _with_lines(journal: Journal, lines: list[tuple[Posting, Account]]) -> dict[str, Any]:
    own = ("id", "source", "event", "order_id", "corrects_id", "occurred_at", "booked_at")
    of_posting = ("account_id", "kind", "amount_minor", "currency", "vendor_order_id")
    return {name: getattr(journal, name) for name in own} | {
        "lines": [
            {name: getattr(posting, name) for name in of_posting} | {"account": account.kind, "party": account.party}
            for posting, account in lines
        ]
    }
