"""One SQLite file holds everything: what a request changed stays, even if the process is killed."""

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

Record = dict[str, Any]

PREFIXES = {
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "charge": "ch_",
    "refund": "re_",
    "balance_transaction": "txn_",
    "event": "evt_",
    "account": "acct_",
    "transfer": "tr_",
    "transfer_reversal": "trr_",
    "connected_payment": "py_",
    "connected_refund": "pyr_",
    "payout": "po_",
    "dispute": "dp_",
    "file": "file_",
    "topup": "tu_",
}

# Deliveries and later deeds never share a number, even across a reset: one may still be under way.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, kind TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE TABLE IF NOT EXISTS labels (
    account TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (account, kind, name, value, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moneys (
    account TEXT NOT NULL, currency TEXT NOT NULL, available_on INTEGER NOT NULL, net INTEGER NOT NULL,
    PRIMARY KEY (account, currency, available_on)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    account TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (account, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, left INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS later (id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS later_by_due ON later (due);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, event TEXT NOT NULL, signed TEXT NOT NULL,
    attempts INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due);
"""
# A file from before there were sums is summed up once.
_SUM_UP = """
INSERT INTO moneys
SELECT account, json_extract(body, '$.currency'), json_extract(body, '$.available_on'), SUM(json_extract(body, '$.net'))
FROM objects WHERE kind = 'balance_transaction' AND NOT EXISTS (SELECT 1 FROM moneys) GROUP BY 1, 2, 3
"""
_LABELS = ("transfer_group", "payment_intent", "charge", "source", "source_transaction", "transfer")
_SUMMED_FROM = 50
_TABLES = ("objects", "labels", "moneys", "answers", "settings", "faults", "later", "deliveries")


def as_json(value: Any) -> str:
    """As it is stored, sent and signed: as text, so that the file can be searched."""
    return orjson.dumps(value).decode()


class Store:
    """The file, and the only lock: one request or one delivery reads and writes at a time."""

    def __init__(self, file: str | Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._link = sqlite3.connect(file, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._link.execute("PRAGMA locking_mode = EXCLUSIVE")  # nobody else reads this file: no lock per transaction
        self._link.execute("PRAGMA page_size = 1024")  # many small changes: the log repeats less around each
        self._link.execute("PRAGMA journal_mode = WAL")
        # What is handed to the kernel survives a killed process; only a power failure could take it.
        self._link.execute("PRAGMA synchronous = OFF")
        self._link.executescript(_SCHEMA)
        self._link.execute(_SUM_UP)
        self._settings: Record = {row[0]: orjson.loads(row[1]) for row in self.rows("SELECT name, value FROM settings")}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing; an inner one can fail alone and leave the outer one standing."""
        with self._lock:
            level, self._depth = self._depth, self._depth + 1
            self._link.execute(f"SAVEPOINT level_{level}" if level else "BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._link.execute(f"ROLLBACK TO level_{level}" if level else "ROLLBACK")
                raise
            else:
                self._link.execute(f"RELEASE level_{level}" if level else "END")
            finally:
                self._depth = level

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._link.execute(statement, values).fetchall()

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        with self._lock:
            self._link.execute(statement, values)

    def reset(self) -> None:
        """Empties the file, but keeps where and how web hooks go."""
        with self.writing():
            for table in _TABLES:
                if table != "settings":
                    self.run(f"DELETE FROM {table}")  # noqa: S608  names from the constant above
            self.run("DELETE FROM settings WHERE name NOT LIKE 'webhook_%'")
        self._settings = {name: value for name, value in self._settings.items() if name.startswith("webhook_")}

    def setting(self, name: str, default: Any = None) -> Any:
        return self._settings.get(name, default)

    def set_setting(self, name: str, value: Any) -> None:
        self.run(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, as_json(value)),
        )
        self._settings[name] = value

    def now(self) -> int:
        """The sandbox's own time: the clock, moved by script."""
        return int(time.time()) + int(self.setting("clock_offset", 0))

    def add(self, account: str, kind: str, body: Record) -> Record:
        """Gives the object its id and its age and keeps it."""
        made = {
            "id": PREFIXES[kind] + f"{time.time_ns():016x}" + secrets.token_hex(4),
            "object": kind,
            "created": self.now(),
            "livemode": False,
        } | body
        self.run(
            "INSERT INTO objects (id, account, kind, created, body) VALUES (?, ?, ?, ?, ?)",
            (made["id"], account, kind, made["created"], as_json(made)),
        )
        self._label(account, kind, made)
        return made

    def save(self, body: Record) -> None:
        """Keeps the object as it is now; what it is labelled by never changes."""
        self.run("UPDATE objects SET body = ? WHERE id = ?", (as_json(body), body["id"]))

    def add_money(self, account: str, currency: str, available_on: int, net: int) -> None:
        """Sums of the balance transactions, so that a balance is read without going through all of them."""
        self.run(
            "INSERT INTO moneys VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, currency, available_on) DO UPDATE SET net = net + excluded.net",
            (account, currency, available_on, net),
        )

    def moneys(self, account: str) -> list[tuple[str, int, int]]:
        """(currency, available, pending) of an account; what became available is summed up for the next time."""
        now = self.now()
        due = self.rows(
            "SELECT currency, available_on, net FROM moneys WHERE account = ? AND available_on BETWEEN 1 AND ?",
            (account, now),
        )
        with self.writing():
            for currency, available_on, net in due if len(due) > _SUMMED_FROM else ():
                self.add_money(account, currency, 0, net)
                self.run(
                    "DELETE FROM moneys WHERE account = ? AND currency = ? AND available_on = ?",
                    (account, currency, available_on),
                )
        return self.rows(
            "SELECT currency, SUM(CASE WHEN available_on <= ? THEN net ELSE 0 END),"
            " SUM(CASE WHEN available_on > ? THEN net ELSE 0 END) FROM moneys WHERE account = ? GROUP BY currency",
            (now, now, account),
        )

    def find(self, account: str, kind: str, object_id: str) -> Record | None:
        found = self.rows(
            "SELECT body FROM objects WHERE id = ? AND account = ? AND kind = ?", (object_id, account, kind)
        )
        return orjson.loads(found[0][0]) if found else None

    def labelled(self, account: str, kind: str, name: str, value: str) -> list[Record]:
        """Newest first: the objects that carry this label."""
        found = self.rows(
            "SELECT body FROM labels JOIN objects USING (id) WHERE labels.account = ? AND labels.kind = ?"
            " AND name = ? AND value = ? ORDER BY seq DESC",
            (account, kind, name, value),
        )
        return [orjson.loads(row[0]) for row in found]

    def listed(self, account: str, kind: str) -> Iterator[Record]:
        """Newest first, read in portions so that a long history costs no more than what is looked at."""
        before = 1 << 62
        while True:
            found = self.rows(
                "SELECT seq, body FROM objects WHERE account = ? AND kind = ? AND seq < ? ORDER BY seq DESC LIMIT 200",
                (account, kind, before),
            )
            for row in found:
                yield orjson.loads(row[1])
            if len(found) < 200:
                return
            before = found[-1][0]

    def _label(self, account: str, kind: str, body: Record) -> None:
        labels = {f"metadata.{name}": value for name, value in body.get("metadata", {}).items()}
        for name in _LABELS:
            if isinstance(body.get(name), str):
                labels[name] = body[name]
        if labels:
            rows = ", ".join(["(?, ?, ?, ?, ?)"] * len(labels))
            values = [part for name, value in labels.items() for part in (account, kind, name, value, body["id"])]
            self.run(f"INSERT OR IGNORE INTO labels VALUES {rows}", tuple(values))  # noqa: S608  placeholders
