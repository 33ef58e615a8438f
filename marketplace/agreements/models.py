"""A price belongs to a list of one vendor; the list says for whom, when and in which currency."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Rate, Row, Versioned, append_only, id_column


class ListKind(StrEnum):
    """Whose prices; the first that holds an offer wins, in this order."""

    CONTRACT = "contract"
    COMPANY = "company"
    CAMPAIGN = "campaign"
    PUBLIC = "public"


RANK = {ListKind.CONTRACT: 1, ListKind.COMPANY: 2, ListKind.CAMPAIGN: 3, ListKind.PUBLIC: 4}


class PriceList(Versioned, Row):
    """Prices of one vendor in one currency, for everyone or for the companies named in PriceListCompany."""

    __tablename__ = "price_list"
    __tenants__ = Tenants(vendor="vendor_id")
    __table_args__ = (
        UniqueConstraint("vendor_id", "id"),
        Index("ix_price_list_vendor_kind", "vendor_id", "kind", "currency"),
        # What everyone pays is said once per currency and tax mode.
        Index(
            "uq_price_list_public",
            "vendor_id",
            "currency",
            "includes_tax",
            unique=True,
            postgresql_where=text("kind = 'public'"),
        ),
        CheckConstraint("kind IN ('contract', 'company', 'campaign', 'public')", name="kind"),
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_from <= valid_to", name="dates"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str]
    rank: Mapped[int]  # of RANK: contract before company before campaign before public
    name: Mapped[str]
    currency: Mapped[str]
    includes_tax: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]  # the last day
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class PriceListCompany(Row):
    """A contract or company list is for this buyer."""

    __tablename__ = "price_list_company"
    __tenants__ = Tenants(vendor="vendor_id", buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["vendor_id", "price_list_id"], ["price_list.vendor_id", "price_list.id"]),
        Index("ix_price_list_company_company_id", "company_id", "vendor_id"),
    )

    price_list_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    vendor_id: Mapped[uuid.UUID]


class Price(Row):
    """The unit price of an offer from a quantity on, in a list."""

    __tablename__ = "price"
    __tenants__ = Tenants(vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["vendor_id", "price_list_id"], ["price_list.vendor_id", "price_list.id"]),
        ForeignKeyConstraint(["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"]),
        CheckConstraint("from_quantity >= 1 AND unit_price >= 0", name="not_negative"),
        Index("ix_price_list_id", "price_list_id"),
    )

    offer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    price_list_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    from_quantity: Mapped[int] = mapped_column(primary_key=True)
    vendor_id: Mapped[uuid.UUID]
    unit_price: Mapped[Decimal] = mapped_column(Rate)


class Cycle(StrEnum):
    """When a vendor's statements are made: on a day of the week, the 1st, 11th and 21st, the 1st, or every day."""

    WEEKLY = "weekly"
    THRICE_MONTHLY = "thrice_monthly"
    MONTHLY = "monthly"
    DAILY = "daily"


@append_only
class VendorTerms(Row):
    """What was agreed with a vendor from a day on: the commission, and how he is settled; never edited.

    Without a last day they hold until later ones begin; those with a last day are an interlude. Sums by currency are in
    minor units; `payout_currencies` empty: whatever he sells in.
    """

    __tablename__ = "vendor_terms"
    __tenants__ = Tenants(vendor="vendor_id")
    __table_args__ = (
        UniqueConstraint("vendor_id", "valid_from"),
        CheckConstraint("commission_rate BETWEEN 0 AND 1", name="commission_rate"),
        CheckConstraint("reserve_rate BETWEEN 0 AND 1", name="reserve_rate"),
        CheckConstraint("cycle IN ('weekly', 'thrice_monthly', 'monthly', 'daily')", name="cycle"),
        CheckConstraint("cycle_day BETWEEN 1 AND 7", name="cycle_day"),
        CheckConstraint("hold_days >= 0 AND reserve_days >= 0", name="days"),
        CheckConstraint("valid_to >= valid_from", name="dates"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # the last day
    commission_rate: Mapped[Decimal] = mapped_column(Rate)
    # {category id: "0.08"}, the nearest above the product's wins; by id, since a category may move and these rows never
    commission_by_category: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cycle: Mapped[str] = mapped_column(default=Cycle.WEEKLY.value)
    cycle_day: Mapped[int] = mapped_column(default=1)  # of the week, 1 is Monday; for weekly cycles
    minimum_payout: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {currency: minor}; absent: the usual
    hold_days: Mapped[int] = mapped_column(default=3)  # from delivery until what was earned is due
    reserve_rate: Mapped[Decimal] = mapped_column(Rate, default=Decimal("0.1"))  # of what falls due
    reserve_days: Mapped[int] = mapped_column(default=30)  # how long that is held back
    reserve_minimum: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {currency: minor} held back for good
    payout_currencies: Mapped[list[Any]] = mapped_column(default=list)
    prefinanced: Mapped[bool] = mapped_column(default=False)  # on net terms he need not wait until the buyer pays
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
