"""Applications and vendors over the API."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.history import lines_of
from marketplace.kernel.web import ProblemOut, api_blueprint, check_match, page_of, tagged
from vendors.onboarding import actions, queries
from vendors.onboarding.schemas import (
    ApplicationEdit,
    ApplicationFilter,
    ApplicationIn,
    ApplicationOut,
    Approval,
    OnboardingHistoryOut,
    Reason,
    VendorFilter,
    VendorOut,
)

routes = api_blueprint("onboarding", "How a company becomes a vendor, and stops being one.")
_NOT_NOW = "Not possible in the present state."


@routes.get("/vendor-applications")
@requires(Permission.COMPANY_READ)
@routes.arguments(ApplicationFilter, location="query")
@routes.response(200, page_of(ApplicationOut))
def list_applications(args):
    """List applications, newest first: the company's own, the operator's are all."""
    return queries.applications(current_actor(), args)


@routes.post("/vendor-applications")
@requires(Permission.APPLICATION_SUBMIT)
@routes.arguments(ApplicationIn)
@routes.response(201, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description="One is open already, or the company is a vendor.")
def draft_application(wanted):
    """Draft the application of one's company to sell here."""
    with transaction():
        row = actions.draft(current_actor(), wanted)
    return tagged(ApplicationOut().dump(row), row, 201)


@routes.get("/vendor-applications/<uuid:application_id>")
@requires(Permission.COMPANY_READ)
@routes.response(200, ApplicationOut)
def show_application(application_id):
    """Read an application with the operator's last note."""
    row = queries.application(current_actor(), application_id)
    return tagged(ApplicationOut().dump(row), row)


@routes.patch("/vendor-applications/<uuid:application_id>")
@requires(Permission.APPLICATION_SUBMIT)
@routes.arguments(ApplicationEdit)
@routes.response(200, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description="Under review, or decided.")
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def edit_application(wanted, application_id):
    """Change a draft or answer questions, by If-Match."""
    with transaction():
        check_match(queries.application(current_actor(), application_id))
        row = actions.edit(current_actor(), application_id, wanted)
    return tagged(ApplicationOut().dump(row), row)


@routes.get("/vendor-applications/<uuid:application_id>/history")
@requires(Permission.COMPANY_READ)
@routes.response(200, OnboardingHistoryOut)
def show_application_history(application_id):
    """Read every move of an application, oldest first."""
    row = queries.application(current_actor(), application_id)
    return {"items": lines_of(row.__tablename__, row.id)}


@routes.post("/vendor-applications/<uuid:application_id>/submit")
@requires(Permission.APPLICATION_SUBMIT)
@routes.response(200, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def submit_application(application_id):
    """Hand in a draft, or answers."""
    with transaction():
        row = actions.submit(current_actor(), application_id)
    return tagged(ApplicationOut().dump(row), row)


@routes.post("/vendor-applications/<uuid:application_id>/ask")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Reason)
@routes.response(200, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def ask_applicant(wanted, application_id):
    """Ask the company something before deciding."""
    with transaction():
        row = actions.ask(current_actor(), application_id, wanted["note"])
    return tagged(ApplicationOut().dump(row), row)


@routes.post("/vendor-applications/<uuid:application_id>/approve")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Approval)
@routes.response(200, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def approve_application(wanted, application_id):
    """Make the company a vendor, with his commission."""
    with transaction():
        row = actions.approve(current_actor(), application_id, wanted)
    return tagged(ApplicationOut().dump(row), row)


@routes.post("/vendor-applications/<uuid:application_id>/decline")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Reason)
@routes.response(200, ApplicationOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def decline_application(wanted, application_id):
    """Decline with a reason."""
    with transaction():
        row = actions.decline(current_actor(), application_id, wanted["note"])
    return tagged(ApplicationOut().dump(row), row)


@routes.get("/vendors")
@requires(Permission.COMPANY_READ)
@routes.arguments(VendorFilter, location="query")
@routes.response(200, page_of(VendorOut))
def list_vendors(args):
    """List vendors with their state: the operator's list; a vendor finds himself."""
    return queries.vendors(current_actor(), args)


@routes.get("/vendors/<uuid:vendor_id>")
@requires(Permission.COMPANY_READ)
@routes.response(200, VendorOut)
def show_vendor(vendor_id):
    """Read the state of a vendor."""
    return _named(queries.vendor(current_actor(), vendor_id))


@routes.get("/vendors/<uuid:vendor_id>/history")
@requires(Permission.COMPANY_READ)
@routes.response(200, OnboardingHistoryOut)
def show_vendor_history(vendor_id):
    """Read every move of a vendor, oldest first."""
    row = queries.vendor(current_actor(), vendor_id)
    return {"items": lines_of(row.__tablename__, row.id)}


@routes.post("/vendors/<uuid:vendor_id>/suspend")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Reason)
@routes.response(200, VendorOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def suspend_vendor(wanted, vendor_id):
    """Stop a vendor from selling, at once."""
    with transaction():
        return _named(actions.suspend(current_actor(), vendor_id, wanted["note"]))


@routes.post("/vendors/<uuid:vendor_id>/reinstate")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Reason)
@routes.response(200, VendorOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def reinstate_vendor(wanted, vendor_id):
    """Let a suspended vendor sell again."""
    with transaction():
        return _named(actions.reinstate(current_actor(), vendor_id, wanted["note"]))


@routes.post("/vendors/<uuid:vendor_id>/close")
@requires(Permission.APPLICATION_REVIEW)
@routes.arguments(Reason)
@routes.response(200, VendorOut)
@routes.alt_response(409, schema=ProblemOut, description=_NOT_NOW)
def close_vendor(wanted, vendor_id):
    """End a vendor's selling for good."""
    with transaction():
        return _named(actions.close(current_actor(), vendor_id, wanted["note"]))


def _named(row):
    return queries.named([row])[0]
