"""An application is reviewed; an approved vendor is active, suspended or closed."""

from enum import StrEnum


class ApplicationState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    QUESTIONS = "questions"
    APPROVED = "approved"
    DECLINED = "declined"


class ApplicationVerb(StrEnum):
    SUBMIT = "submit"
    ASK = "ask"
    APPROVE = "approve"
    DECLINE = "decline"


APPLICATION_STATES: dict[tuple[ApplicationState, ApplicationVerb], ApplicationState] = {
    (ApplicationState.DRAFT, ApplicationVerb.SUBMIT): ApplicationState.SUBMITTED,
    (ApplicationState.QUESTIONS, ApplicationVerb.SUBMIT): ApplicationState.SUBMITTED,
    (ApplicationState.SUBMITTED, ApplicationVerb.ASK): ApplicationState.QUESTIONS,
    (ApplicationState.SUBMITTED, ApplicationVerb.APPROVE): ApplicationState.APPROVED,
    (ApplicationState.SUBMITTED, ApplicationVerb.DECLINE): ApplicationState.DECLINED,
}


class VendorState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class VendorVerb(StrEnum):
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"


VENDOR_STATES: dict[tuple[VendorState, VendorVerb], VendorState] = {
    (VendorState.ACTIVE, VendorVerb.SUSPEND): VendorState.SUSPENDED,
    (VendorState.SUSPENDED, VendorVerb.REINSTATE): VendorState.ACTIVE,
    (VendorState.ACTIVE, VendorVerb.CLOSE): VendorState.CLOSED,
    (VendorState.SUSPENDED, VendorVerb.CLOSE): VendorState.CLOSED,
}
