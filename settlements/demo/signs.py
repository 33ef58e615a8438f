"""How to sign in to the demonstration, and what each of its people finds there."""

from settlements.demo.cast import PASSWORD

_LOOK = (
    ("operator", "miriam@kontor.example", "orders, returns to decide, settlement, the books, vendors"),
    ("buyer, Germany", "timo@hansen.example", "contract prices, credit, orders and returns in every stage"),
    ("buyer, France", "claire@fournier.example", "intra-Community supplies, an order that waits for a late vendor"),
    ("buyer, Switzerland", "ursina@bergbahn.example", "export"),
    ("vendor, manager", "henrike@nordschraube.example", "balance, statements, payouts, terms"),
    ("vendor, clerk", "jonas@nordschraube.example", "orders to confirm, one of them late"),
    ("vendor, clerk", "hugo@voltaire.example", "an order shipped in part"),
)


def lines() -> list[str]:
    """One line a person, as printed when the marketplace starts."""
    wide = max(len(email) for _, email, _ in _LOOK)
    told = [f"{email:<{wide}}  {side}: {sees}" for side, email, sees in _LOOK]
    return [*told, f"The password of all of them: {PASSWORD}"]
