"""What a look at the provider found becomes rows, and rows that differ no more are resolved; nothing is posted here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app

from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from settlements.gateway.connect import Balance, BalanceTransaction
from settlements.reconciliation import queries
from settlements.reconciliation.kinds import Action, Finding, Kind, find
from settlements.reconciliation.models import BalanceDifference, ReconciledDay
from settlements.reconciliation.states import DifferenceState, DifferenceVerb

GRACE = timedelta(minutes=10)  # what is younger may still be on its way into the books
_CORRECTIONS = 9
Missing = Mapping[str, tuple[str, int, datetime]]  # by movement: currency, what was booked, when


@dataclass(frozen=True)
class Seen:
    """One look: every movement from `since` on, the balance at the same moment, and what is booked but not there."""

    at: datetime
    movements: Sequence[BalanceTransaction]
    balance: Balance
    missing: Missing = field(default_factory=dict)


def record(seen: Seen) -> list[ReconciledDay]:
    """Rows for what differs, and the day as it stands, by currency."""
    found = _findings(seen.movements)
    moments = {movement.id: movement for movement in seen.movements}
    listed = queries.by_subjects([f"psp:{name}" for name in found])
    young = {name for name in found if moments[name].created > seen.at - GRACE and f"psp:{name}" not in listed}
    subjects = {f"psp:{name}": finding for name, finding in found.items() if name not in young}
    for name, (currency, booked, _) in seen.missing.items():
        reason = f"{booked} {currency} is booked, and the provider knows no such movement"
        subjects[f"psp:{name}"] = Finding(Kind.MISSING_AT_PROVIDER, Action.BOOK_OWN, reason, -booked)
    _upsert(subjects, moments, seen)
    _resolve_gone({f"psp:{name}" for name in moments} - {f"psp:{name}" for name in found}, seen)
    under_way: dict[str, int] = {}
    for name in young:
        currency = moments[name].currency
        under_way[currency] = under_way.get(currency, 0) + found[name].difference_minor
    return _days(seen, under_way)


def _findings(movements: Sequence[BalanceTransaction]) -> dict[str, Finding]:
    booked = queries.booked_of(movement.id for movement in movements)
    twins = {(row.kind, row.source_id) for row in movements if row.id in booked and row.source_id}
    found = {
        row.id: finding
        for row in movements
        if (finding := find(row, booked.get(row.id), twin_is_booked=(row.kind, row.source_id) in twins))
    }
    corrected = queries.booked_of([name for name in found if name in booked], _CORRECTIONS)
    for row in movements:
        if row.id in corrected:
            again = find(row, corrected[row.id])
            found = {name: finding for name, finding in found.items() if name != row.id}
            if again:
                found[row.id] = again
    return found


def _upsert(subjects: Mapping[str, Finding], moments: Mapping[str, BalanceTransaction], seen: Seen) -> None:
    known = queries.by_subjects(list(subjects))
    for subject, finding in subjects.items():
        movement_id = subject.removeprefix("psp:")
        movement = moments.get(movement_id)
        currency = movement.currency if movement else seen.missing[movement_id][0]
        at = movement.created if movement else seen.missing[movement_id][2]
        row = known.get(subject)
        if row is None:
            row = BalanceDifference(id=new_id(), subject=subject, movement_id=movement_id, at=at, currency=currency)
            db.session.add(row)
        _say(row, finding, currency)
        row.facts = {**(_facts(movement) if movement else {}), "elsewhere": dict(finding.elsewhere)}
    db.session.flush()


def _say(row: BalanceDifference, finding: Finding, currency: str) -> None:
    told = (finding.kind.value, finding.difference_minor, currency)
    if (
        row.state is not None
        and row.state is not DifferenceState.OPEN
        and told
        != (
            row.kind,
            row.difference_minor,
            row.currency,
        )
    ) or row.state is DifferenceState.RESOLVED:
        reopen(row)
    row.kind, row.difference_minor, row.currency = told
    row.reason, row.suggestion = finding.reason, finding.suggestion.value


def reopen(row: BalanceDifference) -> None:
    """It differs, whatever was done about it before."""
    history.move(row, DifferenceVerb.REOPEN, SYSTEM, note=row.note or "")
    row.action = row.account = row.note = row.proposed_by = row.resolved_by = row.resolved_at = None


def _facts(movement: BalanceTransaction) -> dict[str, object]:
    return {
        "type": movement.kind,
        "amount_minor": movement.amount_minor,
        "fee_minor": movement.fee_minor,
        "net_minor": movement.net_minor,
        "source": movement.source_id,
        "description": movement.description,
        "related": movement.related,
        "metadata": movement.metadata,
    }


def _resolve_gone(subjects: Iterable[str], seen: Seen) -> None:
    gone = set(subjects)
    for row in queries.unresolved():
        if row.subject in gone:
            resolve_by_itself(row, seen.at)


def resolve_by_itself(row: BalanceDifference, at: datetime) -> None:
    """It is booked since, or never was a difference."""
    history.move(row, DifferenceVerb.RESOLVE, SYSTEM, note="it differs no more")
    row.resolved_at, row.note = at, row.note or "it differs no more"


def _days(seen: Seen, under_way: Mapping[str, int]) -> list[ReconciledDay]:
    booked = _booked_then(seen)
    provider = {currency: seen.balance.total_minor(currency) for currency in _currencies(seen.balance)}
    return [
        _day(seen, currency, provider.get(currency, 0), booked.get(currency, 0), under_way.get(currency, 0))
        for currency in sorted({*booked, *provider})
    ]


def _booked_then(seen: Seen) -> dict[str, int]:
    """psp_clearing by currency at the moment of the balance: without movements that came, and were booked, after it."""
    booked, listed = queries.clearing(), {movement.id for movement in seen.movements}
    for name, (currency, net_minor, _) in queries.booked_between(seen.at, clock.now() + GRACE).items():
        if name not in listed:
            booked[currency] -= net_minor
    return booked


def _currencies(balance: Balance) -> set[str]:
    return {*balance.available, *balance.pending}


def _day(seen: Seen, currency: str, provider_minor: int, booked_minor: int, under_way_minor: int) -> ReconciledDay:
    explained = sum(_explains(row, currency) for row in queries.unresolved())
    _balance_row(seen, currency, provider_minor - booked_minor - explained - under_way_minor)
    left = [row for row in queries.unresolved() if row.currency == currency]
    zone = current_app.extensions["kontor_settings"].time_zone
    today = clock.business_day(seen.at, zone)
    day = queries.day_of(today, currency)
    if day is None:
        day = ReconciledDay(id=new_id(), day=today, currency=currency)
        db.session.add(day)
    day.provider_minor, day.booked_minor, day.looked_at = provider_minor, booked_minor, seen.at
    day.open_rows = len(left)
    day.movements = sum(
        movement.currency == currency and clock.business_day(movement.created, zone) == today
        for movement in seen.movements
    )
    is_right = provider_minor == booked_minor and not left
    day.closed_at = (day.closed_at or seen.at) if is_right else None
    db.session.flush()
    return day


def _explains(row: BalanceDifference, currency: str) -> int:
    """How much of a currency's difference a row stands for; one booked in another currency stands for both."""
    if row.kind == Kind.BALANCE_DIFFERS.value:
        return 0
    own = row.difference_minor if row.currency == currency else 0
    return own + int(row.facts.get("elsewhere", {}).get(currency, 0))


def _balance_row(seen: Seen, currency: str, unexplained_minor: int) -> None:
    subject = f"balance:{currency}"
    row = queries.by_subjects([subject]).get(subject)
    if not unexplained_minor:
        if row is not None and row.state is not DifferenceState.RESOLVED:
            resolve_by_itself(row, seen.at)
        return
    if row is None:
        row = BalanceDifference(id=new_id(), subject=subject, at=seen.at, currency=currency)
        db.session.add(row)
    small = abs(unexplained_minor) <= SMALL_MINOR
    beyond = Money(unexplained_minor, currency).format()
    reason = f"the provider's balance is {beyond} beyond the books, and no movement tells why"
    suggestion = Action.ROUND_OFF if small else Action.WAIT
    _say(row, Finding(Kind.BALANCE_DIFFERS, suggestion, reason, unexplained_minor), currency)
    db.session.flush()


SMALL_MINOR = 100  # up to here a difference without a cause may be rounded off
