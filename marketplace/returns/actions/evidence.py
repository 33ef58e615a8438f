"""Files that speak for or against a line: added by its two parties and the operator, seen by nobody else."""

import uuid

from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.returns import queries
from marketplace.returns.actions.sides import asks, is_vendor, side_of, still_open
from marketplace.returns.models import ReturnEvidence
from marketplace.returns.storage import Stored


def add_evidence(
    actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, stored: Stored, name: str, note: str = ""
) -> ReturnEvidence:
    """A file for a line. Raises ReturnUnknown, ReturnLineUnknown, NotYours, CaseClosed."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    still_open(found)
    if not is_vendor(actor, line):
        asks(actor, found.case)
    row = ReturnEvidence(
        id=new_id(),
        case_id=case_id,
        return_line_id=line.id,
        company_id=line.company_id,
        vendor_id=line.vendor_id,
        side=side_of(actor, found.case),
        person_id=actor.person_id,
        name=name[:200] or "file",
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        stored_as=stored.stored_as,
        note=note,
    )
    db.session.add(row)
    db.session.flush()
    return row
