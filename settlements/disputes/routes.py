"""Disputes over the API: the operator collects evidence, hands it over once, or gives up."""

from flask import request

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from settlements.disputes import answers, jobs, queries, views
from settlements.disputes.evidence import LARGEST_FILE
from settlements.disputes.models import Dispute
from settlements.disputes.schemas import DisputeArgs, DisputeOut, EvidenceFieldArgs, EvidenceFileIn, EvidenceTextIn

routes = api_blueprint("disputes", "Chargebacks: what was taken, what is said against it, and who bears it.")
_LATE = "The bank hears no more evidence on it."


@routes.url_value_preprocessor
def allow_evidence(endpoint, _values):
    """Before anything reads the body: a file may be larger than other requests."""
    if endpoint == "disputes.add_evidence_file":
        request.max_content_length = LARGEST_FILE + 100_000


@routes.get("/disputes")
@requires(Permission.DISPUTE_ANSWER)
@routes.arguments(DisputeArgs, location="query")
@routes.response(200, page_of(DisputeOut))
def list_disputes(args):
    """Disputes, the newest first; by state, or those whose evidence is awaited."""
    found = queries.disputes(current_actor(), state=args["state"], to_answer=args["to_answer"])
    page = paginate(found, args, Dispute.id)
    return Page(views.all_whole(page.items), page.next)


@routes.get("/disputes/<uuid:dispute_id>")
@requires(Permission.DISPUTE_ANSWER)
@routes.response(200, DisputeOut)
def get_dispute(dispute_id):
    """One dispute with its movements and evidence."""
    return views.whole(queries.dispute(current_actor(), dispute_id))


@routes.post("/disputes/<uuid:dispute_id>/evidence")
@requires(Permission.DISPUTE_ANSWER)
@routes.arguments(EvidenceTextIn)
@routes.response(200, DisputeOut)
@routes.alt_response(409, schema=ProblemOut, description=_LATE)
def say_evidence(wanted, dispute_id):
    """Keep a text for the bank, in place of another of its name. Nothing is handed over yet."""
    with transaction():
        return views.whole(answers.keep_text(current_actor(), dispute_id, wanted["field"], wanted["text"]))


@routes.post("/disputes/<uuid:dispute_id>/evidence-files")
@requires(Permission.DISPUTE_ANSWER)
@routes.arguments(EvidenceFieldArgs, location="query")
@routes.arguments(EvidenceFileIn, location="files")
@routes.response(201, DisputeOut)
@routes.alt_response(409, schema=ProblemOut, description=_LATE)
def add_evidence_file(args, wanted, dispute_id):
    """Keep a file for the bank, in place of another of its name. Nothing is handed over yet."""
    file = wanted["file"]
    with file.stream as stream:
        content = stream.read(LARGEST_FILE + 1)
    with transaction():
        answers.keep_file(current_actor(), dispute_id, args["field"], file.filename or "", content)
        return views.whole(queries.dispute(current_actor(), dispute_id))


@routes.post("/disputes/<uuid:dispute_id>/submit")
@requires(Permission.DISPUTE_ANSWER)
@routes.response(200, DisputeOut)
@routes.alt_response(409, schema=ProblemOut, description=f"{_LATE} Or there is none, or the provider refused it.")
@routes.alt_response(502, schema=ProblemOut, description="The provider did not answer clearly; it is looked up.")
def submit_evidence(dispute_id):
    """Hand all that was collected to the bank: once, and for good."""
    return views.whole(jobs.submit(current_actor(), dispute_id))


@routes.post("/disputes/<uuid:dispute_id>/accept")
@requires(Permission.DISPUTE_ANSWER)
@routes.response(200, DisputeOut)
@routes.alt_response(409, schema=ProblemOut, description=_LATE)
@routes.alt_response(502, schema=ProblemOut, description="The provider did not answer clearly; it is looked up.")
def accept_dispute(dispute_id):
    """Give it up: the money is lost, and borne by the order's parties."""
    return views.whole(jobs.accept(current_actor(), dispute_id))


@routes.post("/disputes/<uuid:dispute_id>/look-up")
@requires(Permission.DISPUTE_ANSWER)
@routes.response(200, DisputeOut)
@routes.alt_response(502, schema=ProblemOut, description="The provider did not answer clearly.")
def look_dispute_up(dispute_id):
    """Ask the provider now how it stands."""
    return views.whole(jobs.look_at(queries.dispute(current_actor(), dispute_id).provider_id))
