"""Orders on account whose parts are invoiced, and money at the bank; inside a transaction() of the caller."""

import itertools
import uuid
from datetime import date

from marketplace.credit.terms import DueRule, TermsKind
from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as order_queries
from marketplace.pricing.answers import valuation_from_json
from marketplace.pricing.wire import state_from_json
from settlements.ledger.postings.terms import owed_by_part, part_of
from settlements.payments.actions import facts_of
from settlements.receivables import actions, queries
from settlements.receivables.actions import Arrived, NewReceivable
from tests.builders.credit import on_account
from tests.builders.settlements import USUAL_TERMS, place, place_example_one

NET_30 = DueRule(TermsKind.NET, 30)
_number = itertools.count(1)


def example_on_terms(cast, *, limit_minor=1_000_000, account=True, due=NET_30, prefinanced=False):
    """Example 1, bought on account by the cast's buyer; `prefinanced`: its vendors do not wait for him."""
    if account:
        on_account(cast.buyer_company, limit_minor=limit_minor)
    terms = USUAL_TERMS | {"prefinanced": prefinanced}
    return place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company, on_account=due, terms=terms)


def order_on_terms(cast, wanted, *, due=NET_30):
    """An order of the formula, bought on account; the account is there."""
    return place(cast.buyer, wanted, [cast.vendor_company, cast.rival_vendor_company], on_account=due)


def owed_of(order, *, charges=None):
    """What the buyer owes now, by part: {vendor order id, or None for the operator's invoice: minor}; `charges` instead
    of those that there are."""
    facts, step = facts_of(order), order_queries.last_step(order.id)
    charges = state_from_json(step.formula_state).charges if charges is None else charges
    owed = owed_by_part(valuation_from_json(step.valuation), charges, facts.prices_include_tax)
    return {part_of(seller, facts.vendor_orders): minor for seller, minor in owed.items()}


def invoiced(order, *, parts=None, issued_on=None, prefix="RE"):
    """Invoices of some parts (None: of all, the operator's included); returns the open items by part."""
    order = order_queries.order(SYSTEM, order.id, locked=True)
    issued_on = issued_on or queries.today()
    found = {}
    for part, minor in owed_of(order).items():
        if parts is None or part in parts:
            number = f"{prefix}-2026-{next(_number):05d}"
            due_on = DueRule.from_json(order.payment_terms).due_on(issued_on)
            wanted = NewReceivable(uuid.uuid4(), number, "Vendor GmbH", minor, issued_on, due_on)
            found[part] = next(iter(actions.open_receivables(order.id, part, [wanted])), None)
    return found


def a_transfer(amount_minor, reference="", *, currency="EUR", bank_id=None, name="Buyer", iban="", booked_on=None):
    """Money arrives at the bank; returns its row, not matched yet."""
    bank_id = bank_id or f"bank-{uuid.uuid4()}"
    day = booked_on or queries.today()
    actions.take_in(SYSTEM, [Arrived(bank_id, amount_minor, currency, day, name, iban, reference)])
    return transfer_of(bank_id)


def transfer_of(bank_id):
    return next(row for row in queries.db.session.scalars(queries.transfers(SYSTEM)) if row.bank_id == bank_id)


def paid(amount_minor, reference, **others):
    """Money arrives and is matched by what it names; returns the transfer as it is then."""
    row = a_transfer(amount_minor, reference, **others)
    actions.match_by_reference(row.id)
    return queries.transfer(SYSTEM, row.id)


def day(text):
    return date.fromisoformat(text)
