"""Evidence is collected while the bank hears it, and handed over once under a key from our own row."""

import uuid
from dataclasses import dataclass

from marketplace.kernel import clock
from marketplace.kernel.access import Actor, Permission, check
from marketplace.kernel.db import db, new_id
from settlements.disputes import queries
from settlements.disputes.evidence import FILES, LARGEST_FILE, TEXTS, content_type_of
from settlements.disputes.models import Dispute, DisputeFile
from settlements.disputes.refusals import EvidenceFileRefused, EvidenceMissing, EvidenceTooLate
from settlements.disputes.states import OPEN


@dataclass(frozen=True, slots=True)
class ToHandOver:
    """What is to be said to the provider, and under which key."""

    key: str
    dispute_id: uuid.UUID
    provider_id: str
    texts: dict[str, str]
    files: list[DisputeFile]


def keep_text(actor: Actor, dispute_id: uuid.UUID, field: str, text: str) -> Dispute:
    """Say this about it; an empty text says nothing any more. Raises DisputeUnknown, EvidenceTooLate."""
    row = _open(actor, dispute_id)
    assert field in TEXTS
    kept = {name: value for name, value in row.texts.items() if name != field}
    row.texts = kept | ({field: text.strip()} if text.strip() else {})
    return row


def keep_file(actor: Actor, dispute_id: uuid.UUID, field: str, name: str, content: bytes) -> DisputeFile:
    """Show this file, in place of another of its field. Raises DisputeUnknown, EvidenceTooLate, EvidenceFileRefused."""
    row = _open(actor, dispute_id)
    assert field in FILES
    kind = content_type_of(content)
    if kind is None or len(content) > LARGEST_FILE:
        raise EvidenceFileRefused(size=len(content))
    for old in queries.files_of(row.id):
        if old.field == field:
            db.session.delete(old)
    db.session.flush()
    file = DisputeFile(
        id=new_id(),
        dispute_id=row.id,
        field=field,
        name=name[-200:] or field,
        content_type=kind,
        size=len(content),
        content=content,
    )
    db.session.add(file)
    db.session.flush()
    return file


def to_hand_over(actor: Actor, dispute_id: uuid.UUID) -> ToHandOver:
    """Everything that was collected, for the bank. Raises DisputeUnknown, EvidenceTooLate, EvidenceMissing."""
    row = _open(actor, dispute_id)
    files = queries.files_of(row.id)
    if not row.texts and not files:
        raise EvidenceMissing
    row.attempt += 1
    return ToHandOver(f"dispute:{row.id}:submit:{row.attempt}", row.id, row.provider_id, dict(row.texts), files)


def to_accept(actor: Actor, dispute_id: uuid.UUID) -> ToHandOver:
    """The dispute is given up. Raises DisputeUnknown, EvidenceTooLate."""
    row = _open(actor, dispute_id)
    row.attempt += 1
    return ToHandOver(f"dispute:{row.id}:accept:{row.attempt}", row.id, row.provider_id, {}, [])


def uploaded(file_id: uuid.UUID, dispute_id: uuid.UUID, provider_file_id: str) -> None:
    """The provider has the file."""
    for file in queries.files_of(dispute_id):
        if file.id == file_id:
            file.provider_file_id = provider_file_id


def _open(actor: Actor, dispute_id: uuid.UUID) -> Dispute:
    check(actor, Permission.DISPUTE_ANSWER)
    row = queries.dispute(actor, dispute_id, locked=True)
    if row.state not in OPEN or (row.due_by is not None and row.due_by < clock.now()):
        raise EvidenceTooLate(state=row.state.value, due_by=row.due_by)
    return row
