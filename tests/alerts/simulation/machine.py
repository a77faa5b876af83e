"""Processes over one database, each step of them the schedule's: crashes, stand-stills, outages.

A process runs in greenlets that give way at the boundaries of transactions and deliveries only, so
there is one connection and no overlap within a transaction.
"""

from __future__ import annotations

import functools
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from greenlet import getcurrent, greenlet
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from threadline.store.control import ControlUnavailable
from threadline.store.control.engine import _begin
from threadline.store.control.transactions import Transactions

GIVES_WAY = 0.35


class Killed(BaseException):
    """The process is no more."""


class Database:
    """SQLite in memory, real but for the disk; `reset` makes it as it was when migrated."""

    def __init__(self) -> None:
        self.engine: Engine = create_engine("sqlite://", poolclass=StaticPool)
        event.listen(self.engine, "connect", _plain)
        event.listen(self.engine, "begin", _begin)
        Transactions(self.engine).migrate()
        self.raw: sqlite3.Connection = self.engine.raw_connection().dbapi_connection
        self._migrated = self.raw.serialize()

    def reset(self) -> None:
        """Forget everything."""
        self.raw.rollback()
        self.raw.deserialize(self._migrated)

    def rows(self, statement: str, *given) -> list[tuple]:
        """What is stored, past every layer of ours."""
        return self.raw.execute(statement, given).fetchall()


def _plain(connection, _record) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


@functools.cache
def database() -> Database:
    """One for all runs of this process."""
    return Database()


class Machine:
    """What can be done to processes, counted in ticks: every boundary is one."""

    def __init__(self, rng: random.Random, observe: Callable[[], None]) -> None:
        self.rng, self.observe = rng, observe
        self.tick = 0
        self.main = getcurrent()
        self.dead: set[str] = set()
        self.crashing: dict[str, int] = {}
        self.standing: dict[str, int] = {}
        self.away: list[str] = []  # where the next transactions fail
        self.running: dict[greenlet, str] = {}
        self.committed: dict[greenlet, int] = {}  # each one's last tick
        self.note: Callable[[str], None] = lambda _: None

    def point(self, process: str, where: str) -> None:
        """A boundary: who comes here may die, find no database, or let others go first."""
        self.tick += 1
        self._die(process, where)
        if self.away and self.away[0] == where:
            self.away.pop(0)
            self.note(f"{process} finds no database at {where}")
            raise ControlUnavailable("in memory", f"away at {where}")
        if where != "commit" and getcurrent() is not self.main and self._gives_way(process):
            self.main.switch()
            self._die(process, where)

    def _die(self, process: str, where: str) -> None:
        if process in self.dead:
            raise Killed(process)
        if process in self.crashing:
            self.crashing[process] -= 1
            if self.crashing[process] <= 0:
                del self.crashing[process]
                self.dead.add(process)
                self.note(f"{process} dies at {where}")
                raise Killed(process)

    def _gives_way(self, process: str) -> bool:
        if process in self.standing:
            self.standing[process] -= 1
            return self.stands(process)
        return len(self.running) > 1 and self.rng.random() < GIVES_WAY

    def stands(self, process: str) -> bool:
        """Whether it does nothing at present, in the midst of what it did."""
        return self.standing.get(process, 1) <= 0

    def start(self, process: str, work: Callable[[], None]) -> None:
        """Begin `work` in a greenlet of its own, unless it is still at it."""

        def whole() -> None:
            with suppress(Killed):
                work()

        self.running[greenlet(whole, parent=self.main)] = process

    def run(self) -> None:
        """Let all who do not stand come to an end, in an order that is the seed's."""
        while ready := [one for one, name in self.running.items() if not self.stands(name)]:
            chosen = ready[0] if len(ready) == 1 else self.rng.choice(ready)
            chosen.switch()
            if chosen.dead:
                del self.running[chosen]
                self.committed.pop(chosen, None)

    def bury(self, process: str) -> None:
        """End what is left of a dead process."""
        self.standing.pop(process, None)
        self.crashing.pop(process, None)
        for one in [one for one, name in self.running.items() if name == process]:
            if one:
                one.throw(Killed(process))
            del self.running[one]


class FaultyTransactions(Transactions):
    """The real ones, with a boundary before, in and after each."""

    def __init__(self, engine: Engine, machine: Machine, process: str) -> None:
        super().__init__(engine)
        self._machine, self._process = machine, process
        self._verified = True

    @contextmanager
    def read(self) -> Iterator:
        self._machine.point(self._process, "begin")
        with super().read() as connection:
            yield connection

    @contextmanager
    def write(self, *, alone: str = "") -> Iterator:
        machine = self._machine
        machine.point(self._process, "begin")
        with super().write(alone=alone) as connection:
            yield connection
            machine.point(self._process, "commit")
        machine.committed[getcurrent()] = machine.tick
        machine.observe()
        machine.point(self._process, "committed")
