"""Why something of a return is refused."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class ReturnUnknown(NotFound):
    message = "There is no such return case."


class ReturnLineUnknown(NotFound):
    message = "There is no such line in this return case."


class ReturnParcelUnknown(NotFound):
    message = "There is no such parcel in this return case."


class ReplacementUnknown(NotFound):
    message = "There is no such replacement in this return case."


class EvidenceUnknown(NotFound):
    message = "There is no such file in this return case."


class AppealUnknown(NotFound):
    message = "There is no such appeal in this return case."


class DecisionUnknown(NotFound):
    message = "There is no such decision in this return case."


class NotYours(Forbidden):
    """The buyer asks, the vendor of the line answers, the operator may do both."""

    message = "This is for the other side to do."


class FaultNotYours(Forbidden):
    """A vendor decides where the loss is his own; where others bear it, the operator decides."""

    message = "You decide only where the loss is yours; this fault is for the marketplace to decide."


class DecidedByOperator(Forbidden):
    """Under appeal, settled, or decided by the operator."""

    message = "This is not yours to decide any more; you may appeal against it."


class ReasonNotTaken(Conflict):
    message = "Returns for this reason are not taken."


class WindowOver(Conflict):
    """The time in which goods may be returned for this reason is over."""


class DiscoveryDayWrong(Invalid):
    message = "Say on which day the hidden defect was discovered; it is not a day to come."


class SerialTaken(Conflict):
    """A unit with this serial number is coming back already, or came back."""


class SerialsDoNotFit(Invalid):
    message = "There are more serial numbers than units, or one is named twice."


class LineNamedTwice(Invalid):
    message = "This line is named twice."


class MoreThanApproved(Conflict):
    """More units than the line holds, or than have been received of it."""


class ReplacementHasLeft(Conflict):
    """Units whose replacement is under way, or has arrived, stay replaced."""


class NothingToReplace(Conflict):
    message = "No replacement is to be shipped for this line."


class SharesNotWhole(Invalid):
    message = "The shares of a fault come to 100 percent."


class NothingDecided(Conflict):
    message = "Nothing of this case is decided and not settled, and no charge was given."


class NothingChanges(Conflict):
    message = "All of this is settled so already; to decide it again would change nothing."


class NotDecided(Conflict):
    message = "Only what is decided can be settled."


class DecisionDisputed(Conflict):
    message = (
        "The decision differs from what the buyer claims: it is settled when his time is over, or by the operator."
    )


class GoodsNotBack(Conflict):
    message = "The goods are not back yet; receive them, or waive them."


class AppealTooLate(Conflict):
    message = "The time for an appeal is over."


class NotAppealed(Conflict):
    message = (
        "Nobody has appealed against what was said of this line, nor is it missing: there is nothing to rule upon."
    )


class AppealDecided(Conflict):
    message = "The operator has decided this; his word binds both sides."


class AppealReplied(Conflict):
    message = (
        "The other side has replied to this appeal already; what is said stays. Add what else there is as evidence."
    )


class ChargePartyUnknown(Invalid):
    message = "A charge is between the buyer, the marketplace and vendors of the order."


class ChargeNotThere(Conflict):
    message = "There is no such charge on this order that could be taken back."


class LabelNotYours(Forbidden):
    message = "What a label cost is entered by the vendor who bought it, or by the operator."


class CaseClosed(Conflict):
    message = "The case is closed; the operator can reopen it."


class CaseNotEnded(Conflict):
    message = "Lines of this case are still under way."


class AppealsOpen(CaseNotEnded):
    """A party may still appeal against what was said of a line: the case closes by itself when its time is over."""


class EvidenceKindRefused(Invalid):
    message = "Send a photo (JPEG, PNG, WebP, HEIC), a PDF or plain text; the kind is told from the content."


class EvidenceTooLarge(Invalid):
    """A file may be so large and no larger."""


class EvidenceGone(Conflict):
    message = "The file is no longer kept."
