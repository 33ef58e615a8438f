"""The terms of return as data, and the two profiles that orders start from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from marketplace.pricing.refusals import Refused, check_limit, rate_in_micros


class Fault(StrEnum):
    """Whose fault it is that units came back, or never travelled."""

    BUYER = "buyer"
    VENDOR = "vendor"
    CARRIER = "carrier"
    OPERATOR = "operator"
    CANCELLED = "cancelled"


class DiscountPolicy(StrEnum):
    """How the discount of kept goods is valued."""

    PROPORTIONAL = "proportional"
    REQUALIFY = "requalify"
    REPRICE_KEPT = "reprice_kept"


class TierPolicy(StrEnum):
    """Whether a volume price is rated again on what still counts."""

    KEEP = "keep"
    RERATE = "rerate"


class FreeDeliveryPolicy(StrEnum):
    """Whether free delivery that is no longer earned is charged."""

    KEEP = "keep"
    CLAWBACK = "clawback"


class DeliveryRefund(StrEnum):
    """How much of a paid delivery goes back with units returned by one fault."""

    NONE = "none"
    FULL_ON_FULL = "full_on_full"
    PROPORTIONAL = "proportional"


class LossBearer(StrEnum):
    """Who bears the loss of the goods; the deliverer is whoever sold the delivery of the line."""

    VENDOR = "vendor"
    MARKETPLACE = "marketplace"
    DELIVERER = "deliverer"


class TaxBase(StrEnum):
    """Whether a discount paid by the marketplace shrinks the vendor's tax base."""

    VENDOR_CONSIDERATION = "vendor_consideration"
    BUYER_PRICE = "buyer_price"


class CommissionPolicy(StrEnum):
    """What happens to the commission on returned units."""

    REVERSE = "reverse"
    KEEP = "keep"
    REVERSE_MINUS_FEE = "reverse_minus_fee"


@dataclass(frozen=True, slots=True)
class Policy:
    """The terms of return, frozen into an order when it is placed. A cap of None does not cap; caps are per line."""

    discount: DiscountPolicy
    tier: TierPolicy
    free_delivery: FreeDeliveryPolicy
    protected_faults: frozenset[Fault]
    delivery_refund: Mapping[Fault, DeliveryRefund]
    loss_borne_by: Mapping[Fault, LossBearer]
    tax_base: TaxBase
    commission: CommissionPolicy
    commission_fee_rate: Decimal
    commission_fee_cap_minor: int | None
    restocking_taxed: bool
    restocking_cap_minor: int | None
    commission_fee_micros: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.protected_faults >= {Fault.VENDOR, Fault.CARRIER, Fault.OPERATOR}:
            raise Refused("a fault that is not the buyer's may not cost him a tier, a step or free delivery")
        if set(self.delivery_refund) != set(Fault) or set(self.loss_borne_by) != set(Fault):
            raise Refused("a policy says for every fault what of the delivery goes back and who bears the loss")
        terms = (
            (DiscountPolicy, [self.discount]),
            (TierPolicy, [self.tier]),
            (FreeDeliveryPolicy, [self.free_delivery]),
            (TaxBase, [self.tax_base]),
            (CommissionPolicy, [self.commission]),
            (DeliveryRefund, self.delivery_refund.values()),
            (LossBearer, self.loss_borne_by.values()),
        )
        for kind, given in terms:
            if not all(isinstance(term, kind) for term in given):
                raise Refused(f"a policy says one of {', '.join(kind)}")
        check_limit(self.commission_fee_cap_minor, "a limit")
        check_limit(self.restocking_cap_minor, "a limit")
        object.__setattr__(self, "commission_fee_micros", rate_in_micros(self.commission_fee_rate))


_DELIVERY_REFUND = {
    Fault.BUYER: DeliveryRefund.NONE,
    Fault.VENDOR: DeliveryRefund.PROPORTIONAL,
    Fault.CARRIER: DeliveryRefund.PROPORTIONAL,
    Fault.OPERATOR: DeliveryRefund.PROPORTIONAL,
    Fault.CANCELLED: DeliveryRefund.FULL_ON_FULL,
}

B2B = Policy(
    discount=DiscountPolicy.REQUALIFY,
    tier=TierPolicy.RERATE,
    free_delivery=FreeDeliveryPolicy.CLAWBACK,
    protected_faults=frozenset({Fault.VENDOR, Fault.CARRIER, Fault.OPERATOR}),
    delivery_refund=_DELIVERY_REFUND,
    loss_borne_by={
        Fault.BUYER: LossBearer.VENDOR,
        Fault.VENDOR: LossBearer.VENDOR,
        Fault.CARRIER: LossBearer.DELIVERER,
        Fault.OPERATOR: LossBearer.MARKETPLACE,
        Fault.CANCELLED: LossBearer.VENDOR,
    },
    tax_base=TaxBase.VENDOR_CONSIDERATION,
    commission=CommissionPolicy.REVERSE,
    commission_fee_rate=Decimal("0.20"),
    commission_fee_cap_minor=500,
    restocking_taxed=True,
    restocking_cap_minor=None,
)

# A consumer keeps the discount, the tier and the free delivery of his order, and pays no restocking fee.
CONSUMER = replace(
    B2B,
    discount=DiscountPolicy.PROPORTIONAL,
    tier=TierPolicy.KEEP,
    free_delivery=FreeDeliveryPolicy.KEEP,
    delivery_refund=_DELIVERY_REFUND | {Fault.BUYER: DeliveryRefund.FULL_ON_FULL},
    restocking_cap_minor=0,
)
