"""A small marketplace to look at: two vendors who meet on products, two buyers, an operator; one password for all."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import urlsplit

from marketplace.agreements.models import Price
from marketplace.carts import actions as carts
from marketplace.catalogue.models import Product
from marketplace.companies.actions import invite
from marketplace.companies.credentials import hash_password
from marketplace.companies.models import Company
from marketplace.companies.queries import default_address
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor, Role
from marketplace.kernel.db import db
from marketplace.orders import actions as orders
from marketplace.returns import actions as returns
from marketplace.returns import queries as return_queries
from marketplace.shipments import actions as shipments
from search.models import ProductProposal
from settlements.invoices import actions as invoices
from tests.builders import feeds
from tests.builders.catalogue import a_category, a_price_list, a_product, an_offer, terms_for
from tests.builders.companies import a_company, a_membership, a_person, an_address
from tests.builders.rules import a_delivery_rate, a_promotion, default_rules
from tests.search.servers import index_products
from vendors.feeds import actions as feed_actions
from vendors.feeds.models import Feed, FeedMapping
from vendors.onboarding import actions as onboarding
from vendors.onboarding.models import Vendor

PASSWORD = "open sesame, please"
LONG_NAME = "Vereinigte Schraubenfabriken und Präzisionswerkzeuge Nordrhein-Westfalen Aktiengesellschaft"
UNBROKEN = "Sechskantschraubendreherverlängerungsbitsatzaufbewahrungskoffer"
VAT_ID = "NL004495445B01"
HOSTILE = "<script>alert(1)</script> {{7*7}}"


def plant() -> SimpleNamespace:
    """Writes the rows; inside a transaction of the caller. People sign in as <name>@example.test with PASSWORD."""
    default_rules()
    operator = a_company("Kontor", is_operator=True, vat_id="DE136695976")
    buyer = a_company("Hafenwerke Hamburg GmbH", vat_id="DE129273398")
    rival = a_company("Ateliers du Rhône SAS", "FR")
    bolts = a_company(LONG_NAME, may_sell=True, vat_id="DE811569869")
    tools = a_company("Toolmark BV", "NL", may_sell=True)
    applicant = a_company("Nieuwe Machines BV", "NL")
    newcomer = a_company("Frische Farben GmbH", vat_id="DE136695976")
    people = {
        "buyer": _person("Bea Buyer", "buyer", buyer, Role.BUYER, Role.ADMINISTRATOR),
        "requester": _person("Rik Requester", "requester", buyer, Role.REQUESTER),
        "rival": _person("Remi Rival", "rival", rival, Role.BUYER),
        "vendor": _person("Vera Vendor", "vendor", bolts, Role.VENDOR_MANAGER),
        "tools": _person("Theo Tools", "tools", tools, Role.VENDOR_MANAGER),
        "operator": _person("Olga Operator", "operator", operator, Role.OPERATOR),
        "newcomer": _person("Nora Newcomer", "newcomer", newcomer, Role.ADMINISTRATOR),
        "applicant": _person("Anna Applicant", "applicant", applicant, Role.ADMINISTRATOR),
    }
    both = _person("Boris Both", "both", buyer, Role.BUYER)
    a_membership(tools, both, Role.VENDOR_CLERK)
    an_address(buyer, city="Hamburg", is_default=True)
    an_address(rival, city="Lyon", is_default=True)
    for vendor in (bolts, tools):
        db.session.add(Vendor(id=vendor.id))
        terms_for(vendor, "0.10")
        a_delivery_rate(vendor, name="Parcel", price_minor=790, free_from_minor=50000)
        a_delivery_rate(vendor, name="Express by noon", price_minor=2490, position=1)
    a_promotion(None, name="Welcome", code="WELCOME10")
    offers = _goods(buyer, bolts, tools)
    mapping, feed = _feed(bolts)
    index_products(list(db.session.scalars(db.select(Product.id))))
    return SimpleNamespace(
        operator=operator, buyer=buyer, rival=rival, bolts=bolts, tools=tools, applicant=applicant,
        people=people, offers=offers, mapping=mapping, feed=feed,
    )  # fmt: skip


def _feed(vendor: Company) -> tuple[FeedMapping, Feed]:
    """A mapping, and a feed by it of which no row is taken."""
    mapping = feeds.a_mapping(vendor, name=UNBROKEN)
    table = f"Artikel;Bezeichnung;Preis;{UNBROKEN}\n{UNBROKEN};{HOSTILE};{LONG_NAME};1\nA;{HOSTILE};-1;2\n"
    feed = feeds.a_feed(vendor, table, mapping=UNBROKEN)
    run = feed_actions.start(feed.id)
    for batch in feed_actions.batches_of(run):
        feed_actions.take(run, batch)
    feed_actions.finish(run)
    return mapping, feed


def trade(rows: SimpleNamespace) -> SimpleNamespace:
    """Orders of the rival buyer in three stages, and a cart in which a price has changed; inside a transaction."""
    remi = Actor(rows.people["rival"].id, rows.rival.id, frozenset({Role.BUYER}), name="Remi Rival")
    address = default_address(rows.rival.id)
    bolts, hostile = rows.offers["bolt"], rows.offers["hostile"]

    def a_cart(*lines: tuple[object, int]) -> object:
        wanted = [carts.WantedLine(offer.id, quantity) for offer, quantity in lines]
        return carts.create(remi, currency="EUR", lines=wanted, delivery_address_id=address.id).cart

    unpaid, paid, shipped = (
        carts.checkout(remi, a_cart((bolts, 400), (rows.offers["press"], 1), (hostile, 2)).id) for _ in range(3)
    )
    for whole in (paid, shipped):
        orders.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", f"test:{whole.order.id}")
    part = shipped.parts[0]
    orders.confirm(SYSTEM, part.id)
    line = {"line_id": shipped.lines_of(part)[0].id, "quantity": 300}
    parcel = {"carrier": UNBROKEN, "tracking_number": "T" * 60, "lines": [line], "announce_only": False}
    shipments.ship(SYSTEM, part.id, parcel)
    orders.cancel(remi, shipped.order.id, [orders.Units(line["line_id"], 100)], reason=HOSTILE)
    (invoice,) = invoices.follow(shipped.order.id)
    case = returns.open_case(remi, shipped.order.id, [{**line, "quantity": 3, "reason": "visible_defect"}], HOSTILE)
    (coming,) = return_queries.lines_of(SYSTEM, case.id)
    returns.approve(SYSTEM, case.id, coming.id)
    returns.receive(SYSTEM, case.id, coming.id, 3)
    paid.parts[0].confirm_by = clock.now() - timedelta(hours=1)
    cart = a_cart((bolts, 400), (rows.offers["bolt_of_tools"], 50), (hostile, 1))
    for price in db.session.query(Price).filter_by(offer_id=rows.offers["bolt_of_tools"].id):
        price.unit_price = Decimal("0.12")
    anna = Actor(rows.people["applicant"].id, rows.applicant.id, frozenset({Role.ADMINISTRATOR}))
    _, link = invite(anna, "new@example.test", [Role.BUYER])
    told = {"legal_name": HOSTILE, "registration_number": "KvK 1234", "vat_id": VAT_ID, "contact_email": "a@b.example"}
    application = onboarding.submit(anna, onboarding.draft(anna, told | {"goods": UNBROKEN * 3}).id)
    return SimpleNamespace(
        unpaid=unpaid,
        paid=paid,
        shipped=shipped,
        cart=cart,
        application=application,
        join=urlsplit(link).path,
        invoice=invoice,
        case=case,
    )


def _person(name: str, login: str, company: object, *roles: Role) -> object:
    person = a_person(name, email=f"{login}@example.test", password_hash=hash_password(PASSWORD))
    a_membership(company, person, *roles)
    return person


def _goods(buyer: object, bolts: object, tools: object) -> dict[str, object]:
    fasteners = a_category("Fasteners")
    screws = a_category("Screws", parent=fasteners)
    machines = a_category("Machines")
    bolt = a_product(
        "Hexagon bolt M8 x 40, zinc plated",
        created_by=bolts,
        part_number="HB-M8-40",
        category=screws,
        attributes=[{"name": "Thread", "value": "M8"}, {"name": "Length", "value": "40", "unit": "mm"}],
        description="Hexagon bolt with shank, strength class 8.8.",
    )
    press = a_product("Hydraulic press 200 t", created_by=tools, part_number="HP-200", category=machines)
    case = a_product(UNBROKEN, created_by=bolts, part_number="BOX-1", category=fasteners)
    hostile = a_product(HOSTILE, created_by=tools, part_number="XSS-1", category=fasteners)
    tiers = {1: "0.0945", 1000: "0.0875", 10000: "0.0725"}
    offers = {
        "bolt": an_offer(bolts, bolt, tiers=tiers, stock=48000, pack_size=100, min_quantity=200, sku="VSP-M8-40"),
        "bolt_of_tools": an_offer(tools, bolt, price="0.11", stock=900, pack_size=50, sku="T-8040", lead_time_days=5),
        "press": an_offer(tools, press, price="234567.89", stock=20, sku="HP-200", lead_time_days=60),
        "case": an_offer(bolts, case, price="39.90", stock=0, sku="BOX-1"),
        "hostile": an_offer(tools, hostile, price="5.00", sku="XSS-1"),
    }
    for number in range(1, 25):
        product = a_product(f"Socket screw M{number} x {number * 5}", created_by=bolts, category=screws)
        an_offer(bolts, product, price=f"{number}.25", stock=number * 10)
    one, other = sorted((case.id, hostile.id))
    reasons = [f"Same number: {UNBROKEN.lower()}.", "Other size: 40 and 60 mm.", "Both say: m8, bolt, hexagon."]
    db.session.add(ProductProposal(one_id=one, other_id=other, score=0.874, reasons=reasons))
    a_price_list(bolts, name="Frame contract 2026", companies=[buyer], prices={offers["case"]: "35.00"})
    return offers
