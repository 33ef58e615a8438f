"""A proposal that two products are one is accepted or rejected, once."""

from enum import StrEnum


class ProposalState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ProposalVerb(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"


PROPOSAL_STATES: dict[tuple[ProposalState, ProposalVerb], ProposalState] = {
    (ProposalState.OPEN, ProposalVerb.ACCEPT): ProposalState.ACCEPTED,
    (ProposalState.OPEN, ProposalVerb.REJECT): ProposalState.REJECTED,
}
