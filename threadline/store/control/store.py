"""The control store: everything Threadline keeps that cannot be derived again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from threadline.clock import Clock
from threadline.settings import ControlSettings
from threadline.store.control import dump
from threadline.store.control.audit import Audit
from threadline.store.control.closes import Closes
from threadline.store.control.definitions import Definitions
from threadline.store.control.engine import connect
from threadline.store.control.erasures import Erasures
from threadline.store.control.holds import Holds
from threadline.store.control.incidents import Incidents
from threadline.store.control.leases import Leases
from threadline.store.control.outbox import Outbox
from threadline.store.control.overrides import Overrides
from threadline.store.control.rulings import Rulings
from threadline.store.control.silences import Silences
from threadline.store.control.tokens import Tokens
from threadline.store.control.transactions import Transactions
from threadline.store.control.watermarks import Watermarks


class Known(Protocol):
    """What derivation goes by: of now, or of a past instant."""

    @property
    def definitions(self) -> Definitions: ...
    @property
    def rulings(self) -> Rulings: ...


@dataclass(frozen=True, kw_only=True)
class KnownThen:
    """The definitions and rulings of a past instant."""

    definitions: Definitions
    rulings: Rulings


class ControlStore:
    """One room per concern over one database: SQLite at a path, or PostgreSQL by URL.

    Any method of a room may raise `ControlUnavailable`, and before `migrate` was run
    `ControlNotMigrated`; what a writing method stored is durable when it returns. Rooms may be used
    from any thread.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock
        self.definitions: Definitions = Definitions(transactions, clock)
        self.rulings: Rulings = Rulings(transactions, clock)
        self.incidents = Incidents(transactions)
        self.holds = Holds(transactions)
        self.outbox = Outbox(transactions)
        self.watermarks = Watermarks(transactions)
        self.leases = Leases(transactions)
        self.tokens = Tokens(transactions, clock)
        self.erasures = Erasures(transactions, clock)
        self.audit = Audit(transactions, clock)
        self.closes = Closes(transactions, clock)
        self.silences = Silences(transactions, clock)
        self.overrides = Overrides(transactions, clock)

    @classmethod
    def open(cls, settings: ControlSettings, clock: Clock) -> ControlStore:
        """The store of `settings`, not yet connected; raises `SettingsError` for a wrong URL."""
        return cls(Transactions(connect(settings)), clock)

    def as_of(self, at: datetime) -> KnownThen:
        """What was active and had been ruled by `at`."""
        return KnownThen(
            definitions=Definitions(self._transactions, self._clock, until=at),
            rulings=Rulings(self._transactions, self._clock, until=at),
        )

    def migrate(self) -> str:
        """Create or upgrade the tables; the revision reached.

        Repeating it changes nothing, two processes may start it at once, and a crash in the middle
        leaves the tables as they were. Raises `ControlTooNew` rather than touch a newer database.
        """
        return self._transactions.migrate()

    def revision(self) -> str:
        """The revision of the tables; raises unless it is this Threadline's."""
        return self._transactions.revision()

    def verify(self) -> None:
        """Raise unless the database answers and its tables are those of this Threadline."""
        self._transactions.verify()

    def dump(self, directory: Path) -> Iterator[Path]:
        """Write every table into `directory`, all as of one instant; the file of each."""
        with self._transactions.snapshot() as connection:
            yield from dump.write(connection, directory)

    def load(self, directory: Path) -> dict[str, int]:
        """Fill the migrated, empty store from a `dump`, all or nothing; how many rows by table.

        Raises `NotEmpty` where any row is there.
        """
        with self._transactions.write(alone="load") as connection:
            return dump.read(connection, directory)

    def close(self) -> None:
        """Let go of every connection; the store is not used afterwards."""
        self._transactions.close()
