"""Files leave as attachments, for their parties only: evidence of its own kind, and a decision on paper."""

import uuid

from flask import Response

from marketplace.kernel.access import SYSTEM, Actor
from marketplace.orders import queries as orders
from marketplace.returns import queries, sheets, storage, views
from marketplace.returns.refusals import DecisionUnknown


def served(actor: Actor, case_id: uuid.UUID, evidence_id: uuid.UUID) -> Response:
    """A file for one of its parties. Raises EvidenceUnknown, EvidenceGone."""
    row = queries.evidence(actor, case_id, evidence_id)
    response = Response(storage.read(row.stored_as), content_type=row.content_type)
    return _attached(response, storage.safe_name(row.name, row.content_type))


def decision_served(actor: Actor, case_id: uuid.UUID, number: int) -> Response:
    """A decision as a PDF with the sums of whoever asks. Raises ReturnUnknown, DecisionUnknown."""
    case = queries.case(actor, case_id)
    row, party = queries.decision(case_id, number), views.party_of(actor, case)
    if not views.concerns(row, party):
        raise DecisionUnknown
    whole = orders.whole(SYSTEM, case.order_id)
    shown = views.decision(row, queries.steps([row.before_step_id, row.step_id]), whole, party)
    names = {str(part.vendor_id): part.vendor_name for part in whole.parts}
    on_account = whole.order.payment_terms is not None
    paper = sheets.rendered(actor, case, shown, names, on_account=on_account)
    response = Response(paper, content_type="application/pdf")
    return _attached(response, f"{case.number}-decision-{number}.pdf")


def _attached(response: Response, name: str) -> Response:
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
