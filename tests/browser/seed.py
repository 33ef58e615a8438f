"""A small marketplace to look at: two vendors who meet on products, two buyers, an operator; one password for all."""

from types import SimpleNamespace

from marketplace.companies.credentials import hash_password
from marketplace.kernel.access import Role
from tests.builders.catalogue import a_category, a_price_list, a_product, an_offer, terms_for
from tests.builders.companies import a_company, a_membership, a_person, an_address
from tests.builders.rules import a_delivery_rate, a_promotion, default_rules

PASSWORD = "open sesame, please"
LONG_NAME = "Vereinigte Schraubenfabriken und Präzisionswerkzeuge Nordrhein-Westfalen Aktiengesellschaft"
UNBROKEN = "Sechskantschraubendreherverlängerungsbitsatzaufbewahrungskoffer"
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
    people = {
        "buyer": _person("Bea Buyer", "buyer", buyer, Role.BUYER, Role.ADMINISTRATOR),
        "requester": _person("Rik Requester", "requester", buyer, Role.REQUESTER),
        "rival": _person("Remi Rival", "rival", rival, Role.BUYER),
        "vendor": _person("Vera Vendor", "vendor", bolts, Role.VENDOR_MANAGER),
        "tools": _person("Theo Tools", "tools", tools, Role.VENDOR_MANAGER),
        "operator": _person("Olga Operator", "operator", operator, Role.OPERATOR),
        "applicant": _person("Anna Applicant", "applicant", applicant, Role.ADMINISTRATOR),
    }
    both = _person("Boris Both", "both", buyer, Role.BUYER)
    a_membership(tools, both, Role.VENDOR_CLERK)
    an_address(buyer, city="Hamburg", is_default=True)
    an_address(rival, city="Lyon", is_default=True)
    for vendor in (bolts, tools):
        terms_for(vendor, "0.10")
        a_delivery_rate(vendor, name="Parcel", price_minor=790, free_from_minor=50000)
        a_delivery_rate(vendor, name="Express by noon", price_minor=2490, position=1)
    a_promotion(None, name="Welcome", code="WELCOME10")
    offers = _goods(buyer, bolts, tools)
    return SimpleNamespace(
        operator=operator, buyer=buyer, rival=rival, bolts=bolts, tools=tools, applicant=applicant,
        people=people, offers=offers,
    )  # fmt: skip


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
    a_price_list(bolts, name="Frame contract 2026", companies=[buyer], prices={offers["case"]: "35.00"})
    return offers
