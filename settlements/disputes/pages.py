"""Disputes as pages: those to answer first, and one with everything that is to be said before its day."""

import uuid

from flask import render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.companies.queries import companies_by_id
from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.history import lines_of
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from settlements.disputes import answers, jobs, queries, views
from settlements.disputes.evidence import FILES, LARGEST_FILE, LONGEST_TEXT, TEXTS
from settlements.disputes.models import Dispute
from settlements.disputes.states import OPEN

routes = pages_blueprint("disputes", __name__)
navigation = [NavItem("Disputes", "disputes_pages.overview", Permission.DISPUTE_ANSWER, Side.OPERATOR, "Trade")]


class DisputesAsked(forms.ListAsked):
    to_answer = fields.Boolean(load_default=True)


class TextForm(forms.PageForm):
    field = fields.String(required=True, validate=validate.OneOf(list(TEXTS)))
    text = Text(load_default="", max_length=LONGEST_TEXT, allow_empty=True)


class FileForm(forms.PageForm):
    field = fields.String(required=True, validate=validate.OneOf(list(FILES)))


@routes.url_value_preprocessor
def allow_evidence(endpoint: str | None, _values: object) -> None:
    """Before anything reads the body: a file may be larger than other requests."""
    if endpoint == "disputes_pages.add_file":
        request.max_content_length = LARGEST_FILE + 100_000


@routes.get("/operator/disputes")
@requires(Permission.DISPUTE_ANSWER)
def overview() -> str:
    """Those whose evidence is awaited, or all."""
    asked = forms.load(DisputesAsked(), request.args)
    page = paginate(queries.disputes(current_actor(), to_answer=asked["to_answer"]), asked, Dispute.id)
    return render_template("disputes/overview.html", page=page, to_answer=asked["to_answer"], OPEN=OPEN)


@routes.get("/operator/disputes/<uuid:dispute_id>")
@requires(Permission.DISPUTE_ANSWER)
def detail(dispute_id: uuid.UUID) -> str:
    """One dispute, and what to say against it."""
    row = queries.dispute(current_actor(), dispute_id)
    borne = {uuid.UUID(vendor): amount for vendor, amount in (row.borne or {}).items()}
    return render_template(
        "disputes/detail.html",
        dispute=row,
        whole=views.whole(row),
        borne=borne,
        names=companies_by_id(list(borne)),
        texts=TEXTS,
        files=FILES,
        open=row.state in OPEN,
        history=lines_of("dispute", row.id),
    )


@routes.post("/operator/disputes/<uuid:dispute_id>/text")
@requires(Permission.DISPUTE_ANSWER)
@forms.refused_on(detail)
def add_text(dispute_id: uuid.UUID) -> Response:
    """Keep what is to be said."""
    wanted = forms.load(TextForm())
    with transaction():
        answers.keep_text(current_actor(), dispute_id, wanted["field"], wanted["text"])
    return forms.done("Kept. Nothing is handed over yet.", url_for(".detail", dispute_id=dispute_id))


@routes.post("/operator/disputes/<uuid:dispute_id>/file")
@requires(Permission.DISPUTE_ANSWER)
@forms.refused_on(detail)
def add_file(dispute_id: uuid.UUID) -> Response:
    """Keep a file that is to be shown."""
    wanted = forms.load(FileForm())
    file = request.files.get("file")
    if file is None:
        raise ValidationError("Choose a file.", "file")
    with file.stream as stream:
        content = stream.read(LARGEST_FILE + 1)
    with transaction():
        answers.keep_file(current_actor(), dispute_id, wanted["field"], file.filename or "", content)
    return forms.done("Kept. Nothing is handed over yet.", url_for(".detail", dispute_id=dispute_id))


@routes.post("/operator/disputes/<uuid:dispute_id>/<any(submit, accept, look_up):verb>")
@requires(Permission.DISPUTE_ANSWER)
@forms.refused_on(detail)
def answer(dispute_id: uuid.UUID, verb: str) -> Response:
    """Hand the evidence over, give up, or ask how it stands."""
    forms.load(forms.PageForm())
    if verb == "submit":
        jobs.submit(current_actor(), dispute_id)
    elif verb == "accept":
        jobs.accept(current_actor(), dispute_id)
    else:
        jobs.look_at(queries.dispute(current_actor(), dispute_id).provider_id)
    return forms.done("This is how it stands now.", url_for(".detail", dispute_id=dispute_id))
