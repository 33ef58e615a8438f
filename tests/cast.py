"""The cast of the permission tests: who they are, and for which company each acts."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from marketplace.companies.models import Company
from marketplace.kernel.access import ANONYMOUS, Actor, Role
from marketplace.kernel.db import db
from tests.builders.companies import a_company, an_actor
from tests.builders.rows import together


@dataclass(frozen=True)
class Cast:
    """Actors, and the companies they act for. `everyone` maps each name to its actor, in the order of this class."""

    buyer: Actor  # buyer and administrator of his company
    colleague: Actor  # requester in the same company
    rival_buyer: Actor
    vendor: Actor  # manager
    rival_vendor: Actor
    operator: Actor
    stranger: Actor
    buyer_company: Company
    rival_buyer_company: Company
    vendor_company: Company
    rival_vendor_company: Company
    operator_company: Company

    @property
    def everyone(self) -> dict[str, Actor]:
        return {name: getattr(self, name) for name in NAMES}


NAMES = ("buyer", "colleague", "rival_buyer", "vendor", "rival_vendor", "operator", "stranger")


def the_operator() -> Company:
    """The one operator's company: that of a market that stands already, or a new one."""
    standing = db.session.scalars(select(Company).where(Company.is_operator)).one_or_none()
    return standing or a_company("Operator AG", is_operator=True)


@together()
def make_cast() -> Cast:
    """Writes the companies and people of the cast; inside a session or transaction of the caller."""
    buyer, rival_buyer = a_company("Buyer GmbH"), a_company("Rival Buyer SAS", "FR")
    vendor = a_company("Vendor GmbH", may_sell=True)
    rival_vendor = a_company("Rival Vendor BV", "NL", may_sell=True)
    operator = the_operator()
    return Cast(
        buyer=an_actor(buyer, Role.BUYER, Role.ADMINISTRATOR),
        colleague=an_actor(buyer, Role.REQUESTER),
        rival_buyer=an_actor(rival_buyer, Role.BUYER, Role.ADMINISTRATOR),
        vendor=an_actor(vendor, Role.VENDOR_MANAGER),
        rival_vendor=an_actor(rival_vendor, Role.VENDOR_MANAGER),
        operator=an_actor(operator, Role.OPERATOR),
        stranger=ANONYMOUS,
        buyer_company=buyer,
        rival_buyer_company=rival_buyer,
        vendor_company=vendor,
        rival_vendor_company=rival_vendor,
        operator_company=operator,
    )


@pytest.fixture
def cast(session) -> Cast:
    """The cast, in the rolled-back session of this test; a refusal there does not roll it back."""
    made = make_cast()
    session.commit()
    return made
