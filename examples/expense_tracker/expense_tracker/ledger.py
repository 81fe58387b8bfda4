"""Where expenses are kept: one SQLite file, every row with its owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS expenses (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    cents INTEGER NOT NULL CHECK (cents > 0),
    note TEXT NOT NULL,
    added_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
CREATE INDEX IF NOT EXISTS expenses_by_owner ON expenses (owner, id);
"""


@dataclass(frozen=True, slots=True)
class Expense:
    """One expense: its number, its amount in whole currency units, what it was for, and when."""

    id: int
    amount: Decimal
    note: str
    added_at: str


class Ledger:
    """Expenses by owner. Nothing is read or written without saying whose it is."""

    def __init__(self, path: Path) -> None:
        """Opens the ledger in `path`, and makes it if it is not there."""
        self._path = path
        with self._connection() as connection:
            connection.executescript(_SCHEMA)

    def add(self, owner: str, amount: Decimal, note: str) -> Expense:
        """Adds an expense of `owner`; `amount` has at most two decimals."""
        with self._connection() as connection:
            row = connection.execute(
                "INSERT INTO expenses (owner, cents, note) VALUES (?, ?, ?)"
                " RETURNING id, cents, note, added_at",
                (owner, int(amount * 100), note),
            ).fetchone()
        return _expense(row)

    def of(self, owner: str) -> list[Expense]:
        """The latest 200 expenses of `owner`, newest first."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT id, cents, note, added_at FROM expenses WHERE owner = ? ORDER BY id DESC LIMIT 200",
                (owner,),
            ).fetchall()
        return [_expense(row) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # A connection for each call: handlers run in a pool of threads.
        with closing(sqlite3.connect(self._path, timeout=5)) as connection, connection:
            yield connection


def _expense(row: tuple[int, int, str, str]) -> Expense:
    number, cents, note, added_at = row
    return Expense(id=number, amount=Decimal(cents) / 100, note=note, added_at=added_at)
