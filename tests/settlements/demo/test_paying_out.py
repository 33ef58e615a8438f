"""The demonstration's vendors are paid, refused, in debt and corrected by hand, and the books know each cent of it."""

from sqlalchemy import select

from marketplace.kernel.db import db
from settlements.demo import paying_out
from settlements.ledger import books
from settlements.transfers.models import Adjustment, Transfer, VendorDebt, VendorPayout
from settlements.transfers.states import AdjustmentState, DebtState, TransferState

MODELS = (Transfer, VendorPayout, VendorDebt, Adjustment)


def vendors(model, state=None) -> set:
    rows = db.session.scalars(select(model)).all()
    return {row.vendor_id for row in rows if state is None or row.state is state}


def test_vendors_are_paid_and_one_is_refused(demo):
    assert vendors(Transfer) == vendors(Transfer, TransferState.MADE) | vendors(Transfer, TransferState.REFUSED)
    assert len(vendors(Transfer, TransferState.REFUSED)) == 1
    assert vendors(VendorPayout) == vendors(Transfer, TransferState.MADE) != set()
    assert books.check_books() == []


def test_one_owes_and_two_people_book_by_hand(demo):
    assert len(vendors(VendorDebt, DebtState.OPEN)) == 1
    found = db.session.scalars(select(Adjustment)).all()
    states = sorted(row.state for row in found)
    assert states == sorted([AdjustmentState.APPROVED, AdjustmentState.APPROVED, AdjustmentState.PROPOSED])
    assert all(row.decided_by != row.proposed_by for row in found)


def test_told_again_it_is_not_told_twice(demo):
    before = [sorted((str(row.id), row.state) for row in db.session.scalars(select(model))) for model in MODELS]
    paying_out.tell()
    assert [sorted((str(row.id), row.state) for row in db.session.scalars(select(model))) for model in MODELS] == before
