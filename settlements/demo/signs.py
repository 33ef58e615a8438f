"""How to sign in to the demonstration, and what each of its people finds there."""

from settlements.demo.cast import PASSWORD

_LOOK = (
    ("operator", "miriam@kontor.example", "vendors to review, all orders, the books"),
    ("buyer, Germany", "timo@hansen.example", "contract prices, credit, orders in every stage, an open cart"),
    ("buyer, France", "claire@fournier.example", "intra-Community supplies, an order that waits for a late vendor"),
    ("buyer, Switzerland", "ursina@bergbahn.example", "export"),
    ("vendor", "jonas@nordschraube.example", "orders to confirm, one of them late"),
    ("vendor", "hugo@voltaire.example", "an order shipped in part"),
)


def lines() -> list[str]:
    """One line a person, as printed when the marketplace starts."""
    wide = max(len(email) for _, email, _ in _LOOK)
    told = [f"{email:<{wide}}  {side}: {sees}" for side, email, sees in _LOOK]
    return [*told, f"The password of all of them: {PASSWORD}"]
