"""The control store: everything Threadline keeps that cannot be derived again."""

from __future__ import annotations

from threadline.clock import Clock
from threadline.settings import ControlSettings
from threadline.store.control.audit import Audit
from threadline.store.control.definitions import Definitions
from threadline.store.control.engine import connect
from threadline.store.control.incidents import Incidents
from threadline.store.control.outbox import Outbox
from threadline.store.control.rulings import Rulings
from threadline.store.control.tokens import Tokens
from threadline.store.control.transactions import Transactions
from threadline.store.control.watermarks import Watermarks


class ControlStore:
    """One room per concern over one database: SQLite at a path, or PostgreSQL by URL.

    Any method of a room may raise `ControlUnavailable`, and before `migrate` was run
    `ControlNotMigrated`; what a writing method stored is durable when it returns. Rooms may be used
    from any thread.
    """

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self.definitions = Definitions(transactions, clock)
        self.rulings = Rulings(transactions, clock)
        self.incidents = Incidents(transactions)
        self.outbox = Outbox(transactions)
        self.watermarks = Watermarks(transactions)
        self.tokens = Tokens(transactions, clock)
        self.audit = Audit(transactions, clock)

    @classmethod
    def open(cls, settings: ControlSettings, clock: Clock) -> ControlStore:
        """The store of `settings`, not yet connected; raises `SettingsError` for a wrong URL."""
        return cls(Transactions(connect(settings)), clock)

    def migrate(self) -> str:
        """Create or upgrade the tables; the revision reached.

        Repeating it changes nothing, two processes may start it at once, and a crash in the middle
        leaves the tables as they were. Raises `ControlTooNew` rather than touch a newer database.
        """
        return self._transactions.migrate()

    def verify(self) -> None:
        """Raise unless the database answers and its tables are those of this Threadline."""
        self._transactions.verify()

    def close(self) -> None:
        """Let go of every connection; the store is not used afterwards."""
        self._transactions.close()
