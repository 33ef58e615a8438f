"""The demonstration is loaded once, whole, by those who may do what is done in it."""

import itertools
from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from marketplace.carts.models import Cart
from marketplace.carts.states import CartState
from marketplace.companies import actions as companies
from marketplace.companies.models import Company, Person
from marketplace.kernel import clock
from marketplace.kernel.access import ANONYMOUS, SYSTEM
from marketplace.kernel.db import Row, db, transaction
from marketplace.orders import queries as orders
from marketplace.orders.models import Order, OrderLine, OrderStep, VendorOrder
from marketplace.orders.states import OrderState, VendorOrderState
from marketplace.returns.models import ReturnLine, ReturnReplacement
from marketplace.shipments.models import Parcel
from settlements.demo import cast, stories
from settlements.demo.loading import load_demo
from settlements.ledger import books
from settlements.payments.models import Payment
from settlements.payments.states import PaymentState
from settlements.receivables import queries as receivables
from settlements.receivables.models import BankTransfer, Receivable
from settlements.refunds.models import Refund
from vendors.feeds.models import Feed, FeedReportLine

SUM_OF = {"order": Order, "payment": Payment, "parcel": Parcel, "step": OrderStep, "refund": Refund, "cart": Cart}


def count(model: type[Row]) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def seen(column) -> set:
    return set(db.session.scalars(select(column)))


def test_everybody_signs_in_with_the_printed_password(demo):
    printed = [line.split()[0] for line in demo[:-1]]
    everybody = [person.email for company in cast.companies().values() for person in company.people]

    assert set(printed) <= set(everybody)
    assert cast.PASSWORD in demo[-1]
    with transaction():
        for email in everybody:
            assert companies.sign_in(email, cast.PASSWORD).person.email == email


def test_a_second_start_changes_nothing(demo):
    before = {name: count(model) for name, model in SUM_OF.items()}

    assert load_demo() == demo
    assert {name: count(model) for name, model in SUM_OF.items()} == before


def test_companies_of_every_side(demo):
    assert count(Company) == len(cast.companies()) == 10
    selling = select(Company.name).where(Company.may_sell)
    assert sorted(db.session.scalars(selling)) == sorted(vendor.name for vendor in cast.of_side("vendor"))
    assert {company.country for company in cast.of_side("buyer")} == {"DE", "FR", "CH"}


def test_orders_in_every_stage(demo):
    assert count(Order) == 22
    assert seen(VendorOrder.state) == set(VendorOrderState) - {VendorOrderState.CLOSED}
    found = Counter(orders.whole(SYSTEM, order_id).state for order_id in db.session.scalars(select(Order.id)))
    assert set(found) == set(OrderState)
    cancelled = {"cancelled_by_buyer", "cancelled_by_vendor", "payment_expired"}
    assert seen(OrderStep.cause) == {"placed", "returned", *cancelled}
    stages = {"requested", "evidence", "declined", "in_transit", "received", "replacing", "appealed", "settled"}
    assert seen(ReturnLine.state) >= stages
    assert seen(ReturnReplacement.state) == {"in_transit", "delivered"}
    assert seen(Payment.state) == {PaymentState.CAPTURED, PaymentState.FAILED}
    late = db.session.scalars(orders.vendor_orders(SYSTEM, late=True)).all()
    assert late
    assert db.session.scalar(select(func.count()).select_from(Cart).where(Cart.state == CartState.OPEN)) == 2


def test_what_is_cancelled_is_refunded_to_the_cent(demo):
    for order in db.session.scalars(select(Order)):
        assert order.payment_terms is not None or orders.net_paid(order.id) in {0, order.owed_minor}
    decided = db.session.scalar(select(func.sum(OrderStep.refund_minor)))
    assert decided == db.session.scalar(select(func.sum(Refund.amount_minor))) > 0


def test_taxes_prices_and_promotions_of_every_kind(demo):
    assert {line.tax["category"] for line in db.session.scalars(select(OrderLine))} == {"S", "K", "G"}
    kinds = {line.price_source["kind"] for line in db.session.scalars(select(OrderLine))}
    assert kinds == {"public", "contract", "company", "campaign"}
    assert db.session.scalar(select(func.sum(OrderLine.vendor_discount_minor))) > 0
    assert db.session.scalar(select(func.sum(OrderLine.market_discount_minor))) > 0
    coded = db.session.scalars(select(Order).where(Order.reference == "HM-26-0321")).one()
    assert sum(line.vendor_discount_minor for line in orders.lines_of(coded.id)) == 1500


def test_the_slip_in_a_feed_is_reported(demo):
    assert count(Feed) == 4
    line = db.session.scalars(select(FeedReportLine)).one()
    assert (line.sku, line.column) == ("P-HS-GF-12", "price")


def test_the_books_are_right(loaded):
    app, _ = loaded
    done = app.test_cli_runner().invoke(args=["books", "check"])
    assert done.exit_code == 0, done.output


def breaking(call, at):
    """The same call, but the `at`th time the power goes."""
    times = itertools.count(1)

    def breaks(*facts):
        if next(times) == at:
            raise KeyboardInterrupt
        call(*facts)

    return breaks


def books_of(app) -> str:
    return app.test_cli_runner().invoke(args=["books", "check"]).output


@pytest.fixture
def another_weekday(monkeypatch):
    """Of all that is loaded meanwhile."""
    later = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=3))
    monkeypatch.setattr(clock, "datetime", later)


@pytest.mark.usefixtures("another_weekday")
def test_what_broke_off_goes_on_where_it_stopped_on_whatever_day(fresh_app, loaded, monkeypatch):
    told, _ = loaded
    with told.app_context():
        whole = {name: count(model) for name, model in SUM_OF.items()}
        db.session.remove()
    app = fresh_app()
    with app.app_context():
        for verb in ("pay", "ship", "decline"):
            with monkeypatch.context() as patch:
                patch.setitem(stories._VERBS, verb, breaking(stories._VERBS[verb], 2))
                with pytest.raises(KeyboardInterrupt):
                    load_demo()

        assert load_demo()
        assert {name: count(model) for name, model in SUM_OF.items()} == whole
        db.session.remove()
    assert books_of(app) == books_of(told)


def test_a_database_with_something_else_is_left_alone(fresh_app):
    with fresh_app().app_context():
        with transaction():
            person = {"name": "Ada", "email": "ada@elsewhere.example", "password": "a good pass phrase"}
            companies.register_company(ANONYMOUS, {"name": "Elsewhere", "country": "DE", "person": person})

        assert load_demo() == []
        assert (count(Company), count(Person)) == (1, 1)
        db.session.remove()


def test_one_buyer_buys_on_account(demo):
    """An invoice that is late and was reminded of, one paid in part, one not due, and money that waits at the bank."""
    items = db.session.scalars(select(Receivable).order_by(Receivable.id)).all()
    assert {item.company_name for item in items} == {cast.companies()["hansen"].name}
    today = receivables.today()
    late = [item for item in items if item.open_minor > 0 and item.due_on < today]
    assert late
    assert {item.level for item in late} == {1}
    assert {item.state.value for item in items} == {"issued", "part_settled", "settled"}
    assert {row.state.value for row in db.session.scalars(select(BankTransfer))} == {"assigned", "open"}
    assert [str(difference) for difference in books.check_books()] == []
