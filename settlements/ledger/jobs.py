"""The books are proven every night, and a difference is an error in the log."""

import structlog

from marketplace.kernel.db import read_only_end
from marketplace.kernel.queue import LONG, job
from settlements.ledger import books

log = structlog.get_logger("books")


class BooksDoNotProve(Exception):
    """The books show differences; the message names the first of them."""


@job("books.check", queue=LONG, timeout=1800, every=86400)
def check() -> None:
    """Fails, and so stays in view, while the books show a difference."""
    differences = books.check_books()
    read_only_end()
    for difference in differences:
        log.error("books differ", difference=str(difference))
    if differences:
        raise BooksDoNotProve(f"{len(differences)} differences, the first: {differences[0]}")
