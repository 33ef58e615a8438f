"""A worked case played by everybody over the API: ordered, paid, shipped, sent back, received, decided, settled."""

import itertools
from collections import Counter

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.rules import actions as rules
from settlements.invoices import jobs as invoice_jobs
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.receivables import jobs as receivable_jobs
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from tests.builders.catalogue import an_offer, terms_for
from tests.builders.companies import a_company, an_actor, an_address
from tests.builders.credit import on_account
from tests.cast import the_operator

A = AccountKind
COUNTRY = "IS"  # no member of the Union, so that every rate is charged as it stands
VAT_ID = "IS12345"  # without one nobody issues an invoice
REASON = {
    "buyer": "change_of_mind",
    "vendor": "visible_defect",
    "carrier": "carrier_damage",
    "operator": "listing_error",
}
VENDOR_ACCOUNTS = (A.VENDOR_PENDING, A.VENDOR_EARNED, A.VENDOR_PAYABLE, A.VENDOR_RESERVE)
_keys = itertools.count(1)


class Play:
    """One worked case. `lines`: ids of the order's lines by the case's names, `settled`: by line and fault."""

    def __init__(self, case, client_as):
        self.case, self.facts, self.client_as = case, case["order"], client_as
        self.on_terms = case["paid_minor"] is not None
        self.settled, self.returns = {}, []
        with transaction():
            self._people()
        self._rules()
        self._place()

    def ask(self, actor, method, path, body=None, status=(200, 201)):
        """The JSON of the answer, which must be as it should."""
        headers = {"Idempotency-Key": f"play-{next(_keys)}"}
        answer = self.client_as(actor).open(f"/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code in status, (path, body, answer.status_code, answer.text[:600])
        return answer.json

    # The market

    def _people(self):
        rules.install_defaults()
        operator = the_operator()
        operator.country, operator.vat_id = COUNTRY, VAT_ID
        self.company = a_company("Buyer ehf.", COUNTRY)
        self.operator, self.buyer = an_actor(operator, Role.OPERATOR), an_actor(self.company, Role.BUYER)
        self.address = an_address(self.company)
        self.categories = self._categories()
        self.vendors, self.offers = {}, {}
        companies = {}
        for line in self.facts["lines"]:
            name = line["vendor"]
            if name not in companies:
                companies[name] = a_company(f"Vendor {name}", COUNTRY, may_sell=True, vat_id=VAT_ID)
                terms_for(companies[name], line["commission_rate"])
                self.vendors[name] = an_actor(companies[name], Role.VENDOR_MANAGER)
            self.offers[line["id"]] = an_offer(
                companies[name],
                tiers=[(tier["from_quantity"], tier["unit_price"]) for tier in line["prices"]],
                stock=10_000_000,
                sku=f"{line['id']}-{next(_keys)}",
                currency=self.facts["currency"],
                includes_tax=self.facts["prices_include_tax"],
                tax_category=self.categories[line["tax_rate"]],
                restocking_rate=line["restocking_rate"],
            )
        if self.on_terms:
            on_account(self.company, limit_minor=10**9, currency=self.facts["currency"])

    def _categories(self):
        rates = [row["tax_rate"] for row in (*self.facts["lines"], *self.facts["deliveries"])]
        above = [rate for rate in dict.fromkeys(rates) if float(rate)]
        return dict.fromkeys(rates, "zero") | dict(zip(above, ("standard", "reduced"), strict=False))

    def _rules(self):
        today = clock.now().date().isoformat()
        for rate, category in self.categories.items():
            if category != "zero":
                body = {"country": COUNTRY, "category": category, "rate": rate, "valid_from": today}
                self.ask(self.operator, "POST", "/tax-rates", body)
        for profile in ("b2b", "consumer"):
            body = {"profile": profile, "content": self.case["policy"]}
            self.ask(self.operator, "POST", "/return-policies", body)
        for position, promotion in enumerate(self.facts["promotions"], 1):
            named = promotion["lines"]
            scope = {} if named is None else {"offers": [str(self.offers[line].id) for line in named]}
            body = {"name": promotion["id"], "currency": self.facts["currency"], "steps": promotion["steps"]}
            body |= {"vendor_share": promotion["vendor_share"], "scope": scope, "position": position}
            self.ask(self.operator, "POST", "/promotions", body)
        for delivery in self.facts["deliveries"]:
            seller = self.operator if delivery["seller"] == "marketplace" else self.vendors[delivery["seller"]]
            body = {name: delivery[name] for name in ("price_minor", "free_from_minor", "free_basis")}
            body |= {"name": delivery["id"], "currency": self.facts["currency"]}
            body |= {"tax_category": self.categories[delivery["tax_rate"]]}
            self.ask(seller, "POST", "/delivery-rates", body)

    def _place(self):
        lines = [
            {"offer_id": str(self.offers[row["id"]].id), "quantity": row["quantity"]} for row in self.facts["lines"]
        ]
        cart = {
            "currency": self.facts["currency"],
            "prices_include_tax": self.facts["prices_include_tax"],
            "delivery_address_id": str(self.address.id),
            "lines": lines,
        }
        cart_id = self.ask(self.buyer, "POST", "/carts", cart)["id"]
        choice = {"payment": {"method": "terms"}} if self.on_terms else {}
        placed = self.ask(self.buyer, "POST", f"/carts/{cart_id}/checkout", choice)
        self.order_id = placed["id"]
        whole = self.whole()
        by_offer = {line.offer_id: line for line in whole.lines}
        self.lines = {row["id"]: by_offer[self.offers[row["id"]].id].id for row in self.facts["lines"]}
        self.parts = {
            name: next(p for p in whole.parts if p.vendor_id == actor.company_id)
            for name, actor in self.vendors.items()
        }
        if placed["total_minor"] and not self.on_terms:
            self.ask(self.buyer, "POST", f"/orders/{self.order_id}/payments", {"payment_method": "pm_card_visa"})
        self._ship()
        if self.on_terms:
            self.invoice()
            self._money_arrives(placed["number"])

    def _ship(self):
        """Everything travels that is not cancelled later on."""
        cancelled = Counter()
        for entry in self.case["states"][-1]["returned"]:
            if entry["fault"] == "cancelled":
                cancelled[entry["line"]] += entry["quantity"]
        for name, actor in self.vendors.items():
            part = self.parts[name]
            left = [
                {"line_id": str(self.lines[row["id"]]), "quantity": row["quantity"] - cancelled[row["id"]]}
                for row in self.facts["lines"]
                if row["vendor"] == name and row["quantity"] > cancelled[row["id"]]
            ]
            self.ask(actor, "POST", f"/vendor-orders/{part.id}/confirm")
            if left:
                parcel = {"carrier": "DHL", "tracking_number": "", "lines": left}
                made = self.ask(actor, "POST", f"/vendor-orders/{part.id}/parcels", parcel)
                self.ask(actor, "POST", f"/parcels/{made['id']}/deliver")

    def invoice(self):
        """What is to be told of the order becomes invoices, and open items in the books."""
        invoice_jobs.follow(self.order_id)

    def _money_arrives(self, number):
        """At the bank: what the case says is paid, matched by the order that it names."""
        if not self.case["paid_minor"]:
            return
        amount = {"amount_minor": self.case["paid_minor"], "currency": self.facts["currency"]}
        arrived = {"bank_id": f"bank-{number}", "amount": amount, "booked_on": clock.now().date().isoformat()}
        arrived |= {"remitter_name": self.company.name, "reference": number}
        self.ask(self.operator, "POST", "/bank-transfers", {"transfers": [arrived]})
        receivable_jobs.match_waiting()

    def whole(self):
        db.session.expire_all()
        return order_queries.whole(SYSTEM, self.order_id)

    # What comes back

    def enter(self, before, after):
        """Move from one state of the case to the next; returns the refund that it brings."""
        first = {(row["line"], row["fault"]): row["quantity"] for row in before["returned"]}
        last = {(row["line"], row["fault"]): row["quantity"] for row in after["returned"]}
        moved = {key: last.get(key, 0) - first.get(key, 0) for key in {**first, **last}}
        old, new = (Counter(map(self._charge, state["charges"])) for state in (before, after))
        refunded = self._refunded()
        cancelled = [(line, n) for (line, fault), n in moved.items() if n > 0 and fault == "cancelled"]
        if cancelled:
            lines = [{"line_id": str(self.lines[line]), "quantity": n} for line, n in cancelled]
            self.ask(self.buyer, "POST", f"/orders/{self.order_id}/cancel", {"lines": lines})
        back = {key: n for key, n in moved.items() if n and key[1] != "cancelled"}
        if any(n < 0 for n in back.values()):
            case_id = self._judge_again(back)
        elif back:
            case_id = self._send_back(back)
        elif old != new:
            case_id = self.returns[-1] if self.returns else self._withdrawn()
        else:
            return self._refunded() - refunded
        body = {"charges": [dict(charge) for charge in (new - old).elements()]}
        body |= {"take_back": [dict(charge) for charge in (old - new).elements()]}
        self.ask(self.operator, "POST", f"/returns/{case_id}/settle", body)
        return self._refunded() - refunded

    def _charge(self, charge):
        party = {name: str(actor.company_id) for name, actor in self.vendors.items()}
        named = {name: party.get(charge[name], charge[name]) for name in ("payer", "payee")}
        return tuple((named | {"amount_minor": charge["amount_minor"]}).items())

    def _send_back(self, back):
        wanted = [
            {"line_id": str(self.lines[line]), "quantity": n, "reason": REASON[fault]}
            for (line, fault), n in back.items()
        ]
        case = self.ask(self.buyer, "POST", f"/orders/{self.order_id}/returns", {"lines": wanted})
        self.returns.append(case["id"])
        for line, (name, fault) in zip(case["lines"], back, strict=True):
            vendor = self.vendors[next(row["vendor"] for row in self.facts["lines"] if row["id"] == name)]
            self.ask(vendor, "POST", f"/returns/{case['id']}/lines/{line['id']}/approve", {})
            received = {"quantity": line["quantity"]}
            self.ask(vendor, "POST", f"/returns/{case['id']}/lines/{line['id']}/receive", received)
            self.settled.setdefault((name, fault), []).append((case["id"], line["id"], line["quantity"]))
        verdicts = [{"line_id": line["id"]} for line in case["lines"]]
        self.ask(self.operator, "POST", f"/returns/{case['id']}/decide", {"lines": verdicts})
        return case["id"]

    def _judge_again(self, back):
        ((name, old),) = [key for key, n in back.items() if n < 0]
        ((_, new),) = [key for key, n in back.items() if n > 0]
        ((case_id, line_id, quantity),) = self.settled[name, old]
        units = [{"fault": new, "quantity": quantity}]
        self.ask(self.operator, "POST", f"/returns/{case_id}/decide", {"lines": [{"line_id": line_id, "units": units}]})
        return case_id

    def _withdrawn(self):
        """A case of which nothing is left: charges alone need one as well."""
        line = next(line for line in self.whole().lines if orders.returnable_units(line))
        wanted = [{"line_id": str(line.id), "quantity": 1, "reason": "change_of_mind"}]
        case = self.ask(self.buyer, "POST", f"/orders/{self.order_id}/returns", {"lines": wanted})
        self.ask(self.buyer, "POST", f"/returns/{case['id']}/lines/{case['lines'][0]['id']}/withdraw", {})
        self.returns.append(case["id"])
        return case["id"]

    def _refunded(self):
        rows = self.ask(self.buyer, "GET", f"/orders/{self.order_id}/refunds")["items"]
        return sum(row["amount"]["amount_minor"] for row in rows)

    # What the books say

    def vendors_in_the_books(self):
        currency = self.facts["currency"]
        return {
            name: -sum(books.balance(kind, actor.company_id, currency) for kind in VENDOR_ACCOUNTS)
            for name, actor in self.vendors.items()
        }

    def still_open(self):
        """What the open items of an order on terms come to: by the buyer's own list, and in the books."""
        rows = self.ask(self.buyer, "GET", "/receivables")["items"]
        in_the_books = books.balance(A.BUYER_RECEIVABLE, self.company.id, self.facts["currency"])
        return sum(row["open_minor"] for row in rows), in_the_books

    def invoiced_minor(self):
        """What the buyer's invoices come to, less his credit notes."""
        self.invoice()
        rows = self.ask(self.buyer, "GET", f"/orders/{self.order_id}/invoices")["items"]
        sign = {"sales_invoice": 1, "credit_note": -1}
        return sum(sign[row["kind"]] * (row["gross_minor"] - row["market_minor"]) for row in rows)

    def shares_in_the_books(self):
        """E's counterparts: market discount, compensation, commission, delivery sold by the operator."""
        sums = Counter()
        for row in books.trial_balance():
            sums[row.kind] += row.balance_minor
        return {
            "market_discount_minor": sums[A.PROMO_DEFERRED] + sums[A.PROMO_EXPENSE],
            "compensation_minor": sums[A.OPERATOR_LOSS] + sums[A.CARRIER_CLAIMS],
            "commission_minor": -sums[A.COMMISSION_DEFERRED] - sums[A.COMMISSION_REVENUE],
            "operator_delivery_minor": -sum(
                sums[kind] for kind in (A.SHIPPING_DEFERRED, A.SHIPPING_REVENUE, A.TAX_DEFERRED, A.TAX_PAYABLE)
            ),
        }

    def send_refunds(self):
        """The way the money came: by the provider, or by a transfer that the operator makes."""
        for refund in refund_queries.refunds_of(SYSTEM, self.order_id):
            if self.on_terms:
                self.ask(self.operator, "POST", f"/refunds/{refund.id}/sent-by-bank", {"reference": "SEPA 1"})
            else:
                refund_jobs.send(refund.id)

    def at_the_bank(self):
        return books.balance(A.BANK, None, self.facts["currency"])
