"""Who issues and who receives, copied onto the invoice as they were then, so that an edit of a company changes none."""

from collections.abc import Collection, Mapping
from typing import Any

from marketplace.companies.models import Address, Company
from marketplace.orders.models import Order

Json = dict[str, Any]
_ADDRESS = ("recipient", "line1", "line2", "postal_code", "city", "region", "country")


def of_company(company: Company, address: Address | None) -> Json:
    """A company with its own address."""
    place = {name: getattr(address, name) for name in _ADDRESS} if address is not None else {}
    return _party(company, company.name, company.vat_id, place)


def of_buyer(order: Order, company: Company, vat_ids: Collection[str]) -> Json:
    """The buyer as his order names him, with the VAT id that its taxes were decided by."""
    return _party(company, order.company_name, next(iter(vat_ids), company.vat_id), order.billing_address)


def of_payee(company: Company) -> Json:
    """Who takes the buyer's money for the issuer."""
    return {"id": str(company.id), "name": company.name, "registration_number": company.registration_number}


def place_of(address: Mapping[str, Any], country: str) -> Json:
    """An address as an invoice keeps it; one that names no country lies in `country`."""
    return {name: address.get(name) or "" for name in _ADDRESS} | {"country": address.get("country") or country}


def _party(company: Company, name: str, vat_id: str | None, address: Mapping[str, Any]) -> Json:
    return {
        "id": str(company.id),
        "name": name,
        "vat_id": vat_id,
        "registration_number": company.registration_number,
        "email": company.email,
        "phone": company.phone,
        "address": place_of(address, company.country),
    }
