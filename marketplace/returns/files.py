"""A file of evidence leaves as an attachment of its own kind, for its parties only."""

import uuid

from flask import Response

from marketplace.kernel.access import Actor
from marketplace.returns import queries, storage


def served(actor: Actor, case_id: uuid.UUID, evidence_id: uuid.UUID) -> Response:
    """A file for one of its parties. Raises EvidenceUnknown, EvidenceGone."""
    row = queries.evidence(actor, case_id, evidence_id)
    response = Response(storage.read(row.stored_as), content_type=row.content_type)
    response.headers.set("Content-Disposition", "attachment", filename=storage.safe_name(row.name, row.content_type))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
