"""A decision on paper: what the API says of it to the same party, word for word, and nothing else."""

from pathlib import Path
from typing import Any

from marketplace.companies import queries as companies
from marketplace.kernel import pdf
from marketplace.kernel.access import Actor
from marketplace.kernel.money import Money
from marketplace.kernel.pages import words
from marketplace.pricing.facts import BUYER, MARKETPLACE
from marketplace.returns import views
from marketplace.returns.models import ReturnCase
from marketplace.rules.return_terms import ReturnTerms

Json = dict[str, Any]
_LAYOUT = Path(__file__).with_name("layouts") / "decision.typ"


def rendered(actor: Actor, case: ReturnCase, shown: Json, names: Json, *, on_account: bool) -> bytes:
    """`shown`: views.decision() for this actor; `names`: of the parties that are not himself, by their ids."""
    return pdf.rendered(_LAYOUT, of_decision(actor, case, shown, names, on_account=on_account))


def of_decision(actor: Actor, case: ReturnCase, shown: Json, names: Json, *, on_account: bool) -> Json:
    """The sheet that the layout places."""
    operator, at = companies.operator_company(), shown["at"]
    party = views.party_of(actor, case)
    receiver = {None: operator.name, BUYER: case.company_name}.get(party) or names.get(party, "")
    terms, deficit_minor = ReturnTerms(case.terms), shown.get("deficit_minor", 0)
    rest = views.words_of_rest(terms, deficit_minor, case.currency, on_account=on_account)
    rest += f" on {at:%d %b %Y}" if on_account else ""
    facts = {
        "Return": case.number,
        "Order": case.order_number,
        "Decision": str(shown["number"]),
        "Day": f"{at:%d %b %Y}",
        "Cause": words(shown["cause"]),
        "Policy": shown["policy_version"],
    }
    return {
        "title": "Decision on a return",
        "number": f"{case.number}/{shown['number']}",
        "date": [at.year, at.month, at.day],
        "seller": {"name": operator.name, "place": [], "ids": []},
        "buyer": {"name": receiver, "place": [], "ids": []},
        "facts": [list(fact) for fact in facts.items()],
        "note": shown["note"],
        "shares": [_share(one, case.currency) for one in shown["parties"]],
        "sums": [
            [text, _money(shown[name], case.currency)]
            for name, text in (("refund_minor", "Refund"), ("credited_minor", "Credited"), ("deficit_minor", rest))
            if shown.get(name) or (name == "refund_minor" and name in shown)
        ],
        "words": _words(shown["sentences"], case.currency, names),
    }


def _share(one: Json, currency: str) -> Json:
    sums = {name: _money(one[f"{name}_minor"], currency) for name in ("before", "after", "change")}
    return {"name": one["name"]} | sums


def _words(sentences: list[Json], currency: str, names: Json) -> list[Json]:
    """The stored sentences, below the party whose sums they are."""
    called = {BUYER: views.SUM_NAMES["buyer_owes"], MARKETPLACE: "The marketplace"} | names
    groups: dict[str, list[Json]] = {}
    for one in sentences:
        amount = _money(one["amount_minor"], currency) if one["amount_minor"] else ""
        said = {"text": one["text"], "why": one["why"], "amount": amount}
        groups.setdefault(one["party"], []).append(said)
    return [{"name": called.get(party, ""), "sentences": found} for party, found in groups.items()]


def _money(minor: int, currency: str) -> str:
    return Money(minor, currency).format()
