"""Every SELECT over letters."""

import uuid
from collections.abc import Sequence

from marketplace.kernel.access import SYSTEM, visible
from marketplace.kernel.db import db
from marketplace.notifications.models import Letter
from marketplace.notifications.states import LetterState


def waiting(letter_ids: Sequence[uuid.UUID], *, lock: bool = False) -> Sequence[Letter]:
    """Those of the letters that nobody sent yet; with `lock`, for update, in order."""
    statement = (
        visible(SYSTEM, Letter)
        .where(Letter.id.in_(letter_ids), Letter.state == LetterState.REQUESTED)
        .order_by(Letter.id)
    )
    return db.session.scalars(statement.with_for_update() if lock else statement).all()
