"""Fills an empty database with a marketplace to look at, once; an interrupted loading goes on where it stopped."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from marketplace.companies import queries as companies
from marketplace.kernel import clock
from marketplace.kernel.db import db, transaction
from settlements.demo import (
    cast,
    deals,
    founding,
    paying_out,
    payout_accounts,
    returning,
    settling,
    shelves,
    signs,
    stories,
    trouble,
)

_OPENED = timedelta(days=40)  # so long ago the marketplace of the demonstration began


def load_demo(index: Callable[[], object] = lambda: None) -> Sequence[str]:
    """Loads what is missing of it; returns how to sign in, or nothing where the database holds something else.

    `index` makes the goods of a fresh demonstration found by search at once, before any worker runs.
    """
    if not _is_ours():
        if not _is_empty():
            return []
        with transaction(), clock.moved(-_OPENED):
            founding.found()
            shelves.fill()
            deals.agree()
    payout_accounts.open_all()
    if not stories.all_told():
        index()
        paying_out.money_comes_at_once(True)
        stories.tell()
    returning.tell()
    settling.settle()
    if not paying_out.all_told():
        paying_out.tell()
        paying_out.money_comes_at_once(False)
    trouble.cause()
    db.session.rollback()
    return signs.lines()


def _is_ours() -> bool:
    return companies.person_by_email(cast.companies()["kontor"].first.email) is not None


def _is_empty() -> bool:
    return not companies.operator_exists() and not companies.any_person()
