"""Answers leave with no transaction open, and what became of a dispute is looked up every night, told or not."""

import uuid
from datetime import timedelta

import structlog

from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Upstream
from marketplace.kernel.queue import job
from settlements.disputes import actions, answers, queries
from settlements.disputes.answers import ToHandOver
from settlements.disputes.models import Dispute
from settlements.disputes.refusals import DisputeNotOurs, EvidenceRefused
from settlements.gateway.connect import DisputeResult, EvidenceRequest
from settlements.gateway.port import PaymentGateway, Rejected
from settlements.gateway.provider import PaymentsNotConfigured, provider

log = structlog.get_logger("disputes")
_BATCH = 200
LOOK_AGAIN_AFTER = timedelta(hours=4)
_LOOK_BACK = timedelta(days=30)  # for disputes that no web hook told of
_REMIND_BEFORE = timedelta(days=3)


def look_at(provider_id: str) -> Dispute:
    """Fetch a dispute and record it. Raises DisputeNotOurs, Rejected, Later, Unknown."""
    began_at = clock.now()
    result = provider().dispute_by_id(provider_id)
    with transaction():
        return actions.record(result, began_at)


def submit(actor: Actor, dispute_id: uuid.UUID) -> Dispute:
    """Hand over what was collected, once and for good. Raises DisputeUnknown, EvidenceTooLate, EvidenceMissing,
    EvidenceRefused, Later, Unknown: an unknown outcome is looked up by the nightly job."""
    gateway = provider()
    with transaction():
        wanted = answers.to_hand_over(actor, dispute_id)
    request = EvidenceRequest(
        key=wanted.key,
        dispute_id=wanted.provider_id,
        texts=wanted.texts,
        files=_uploaded(gateway, wanted),
        submit=True,
    )
    return _answered(lambda: gateway.submit_evidence(request))


def accept(actor: Actor, dispute_id: uuid.UUID) -> Dispute:
    """Give a dispute up. Raises DisputeUnknown, EvidenceTooLate, EvidenceRefused, Later, Unknown."""
    gateway = provider()
    with transaction():
        wanted = answers.to_accept(actor, dispute_id)
    return _answered(lambda: gateway.accept_dispute(wanted.provider_id, wanted.key))


def _uploaded(gateway: PaymentGateway, wanted: ToHandOver) -> dict[str, str]:
    found = {}
    for file in wanted.files:
        if file.provider_file_id is None:
            with transaction():
                content = queries.content_of(file.id)
            try:
                file_id = gateway.upload_evidence(f"evidence:{file.id}", file.name, file.content_type, content)
            except Rejected as refusal:
                raise EvidenceRefused(refusal.text, code=refusal.code, field=file.field) from refusal
            with transaction():
                answers.uploaded(file.id, wanted.dispute_id, file_id)
            found[file.field] = file_id
        else:
            found[file.field] = file.provider_file_id
    return found


def _answered(ask) -> Dispute:  # type: ignore[no-untyped-def]
    began_at = clock.now()
    try:
        result: DisputeResult = ask()
    except Rejected as refusal:
        raise EvidenceRefused(refusal.text, code=refusal.code) from refusal
    with transaction():
        return actions.record(result, began_at)


@job("disputes.look", every=6 * 3600, timeout=900)
def look_at_all() -> None:
    """Look at undecided disputes and at what the provider opened lately; remind of evidence that is due."""
    try:
        gateway = provider()
    except PaymentsNotConfigured:
        return
    with transaction():
        known = {provider_id for _, provider_id in queries.undecided(clock.now() - LOOK_AGAIN_AFTER, _BATCH)}
    told = {row.provider_id for row in gateway.disputes(clock.now() - _LOOK_BACK)}
    for provider_id in sorted(known | told):
        try:
            look_at(provider_id)
        except (Upstream, DisputeNotOurs) as refusal:
            log.warning("dispute not looked at", dispute=provider_id, error=refusal.text)
    with transaction():
        for row in queries.due_between(clock.now(), clock.now() + _REMIND_BEFORE):
            actions.write_to_operator(row, "due soon")
