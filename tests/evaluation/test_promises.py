"""The working set tells what a look at the whole store would, and nothing is lost between looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadline import open_cases
from threadline.promises import Look, Promises
from threadline.store.telemetry import Telemetry, cursors, deadlines, failing

BASE = datetime(2026, 3, 1, tzinfo=UTC)
INSTANT = pl.Datetime("ns", "UTC")
TEXT = ("journey", "case_id", "root_id", "version", "criticality", "current_step", "currency")
INSTANTS = (
    *("started_at", "known_at", "completed_at", "cancelled_at", "paused_from", "paused_until"),
    *("warn_at", "due_at", "current_since", "current_due_at"),
)
CASES = dict.fromkeys(TEXT, pl.String) | dict.fromkeys(INSTANTS, INSTANT)
STEPS = {
    **dict.fromkeys(("journey", "case_id", "step", "system", "message"), pl.String),
    "required": pl.Boolean,
    "failures": pl.UInt32,
    "closed_at": INSTANT,
    "first_failed_at": INSTANT,
}


def at(hours: float) -> datetime:
    return BASE + timedelta(hours=hours)


class Book:
    """A telemetry store that is written to as the derivation writes, generation by generation."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry, self.generation = telemetry, 0

    def write(self, cases: dict[int, dict[str, Any] | None], *, finished: bool = True) -> None:
        """What becomes of some cases (None: they vanish); `fails` is when a step of one failed."""
        self.generation += 1
        told = {0: ([], []), 1: ([], [])}
        for number, given_columns in cases.items():
            columns = dict(given_columns or {})
            fails = columns.pop("fails", None)
            name = f"contract:clm:{number}"
            key = {"journey": "one" if number % 2 else "two", "case_id": name}
            row = key | {"root_id": name, "version": "1", "criticality": "revenue"}
            row |= {"current_step": "erp", "currency": "EUR", "started_at": BASE, "known_at": BASE}
            told[given_columns is None][0].append(row | columns)
            step = key | {"step": "erp", "system": "erp", "message": "away", "required": True}
            failed = {"failures": int(fails is not None), "first_failed_at": fails}
            told[given_columns is None][1].append(step | failed)
        for deleted, (rows, steps) in told.items():
            self._insert("cases", rows, CASES, deleted)
            self._insert("steps", steps, STEPS, deleted)
        if finished:
            cursors.move(self.telemetry, {0: self.generation}, self.generation)

    def _insert(self, table: str, rows: list, schema: dict, deleted: int) -> None:
        whole = [dict.fromkeys(schema) | row for row in rows]
        stamps = {"generation": self.generation, "deleted": deleted}
        frame = pl.DataFrame(whole, schema=schema)
        stamped = [pl.lit(n, pl.UInt64).alias(name) for name, n in stamps.items()]
        self.telemetry.insert(table, frame.with_columns(stamped))


@pytest.fixture
def book(telemetry: Telemetry) -> Book:
    return Book(telemetry)


def names(cases: pl.DataFrame | None) -> list[int] | None:
    if cases is None:
        return None
    return sorted(int(name.rpartition(":")[2]) for name in cases["case_id"])


def settled(promises: Promises, *hours: float) -> list[Look]:
    """Looks at these hours, each settled before the next."""
    looks = []
    for each in hours:
        looks.append(promises.look(at(each), []))
        promises.settle(looks[-1])
    return looks


def test_a_deadline_is_told_once_when_it_passes_and_again_when_its_case_changes(book):
    book.write({1: {"due_at": at(5)}, 2: {"due_at": at(9)}})
    promises = Promises(book.telemetry)
    looks = settled(promises, 1, 5, 6, 7, 10, 11)
    told = [(names(look.cases), names(look.late)) for look in looks]
    assert told == [([], []), ([], None), ([1], [1]), ([], None), ([2], [1, 2]), ([], None)]
    book.write({1: {"due_at": at(5), "completed_at": at(11)}})
    look = promises.look(at(12), [])
    assert (names(look.cases), names(look.late)) == ([1], [2])
    assert look.cases["completed_at"].to_list() == [at(11)]


def test_a_late_case_is_told_again_when_its_step_is_late_too(book):
    book.write({1: {"due_at": at(1), "current_due_at": at(4)}})
    promises = Promises(book.telemetry)
    looks = settled(promises, 2, 3, 5, 6)
    told = [names(look.late) for look in looks]
    assert told == [[1], None, [1], None]


def test_a_look_that_was_not_settled_is_taken_again(book):
    book.write({1: {"due_at": at(1)}, 2: {"warn_at": at(2), "fails": at(1)}})
    promises = Promises(book.telemetry)
    promises.settle(promises.look(at(0), []))
    for _ in range(3):
        look = promises.look(at(3), [])
        assert (names(look.cases), names(look.late), names(look.failing)) == ([1, 2], [1], [2])
    promises.settle(look)
    look = promises.look(at(3), [])
    assert (names(look.cases), look.late, look.failing) == ([], None, None)


def test_who_only_follows_has_everything_to_tell_when_it_takes_over(book):
    book.write({1: {"due_at": at(1)}})
    promises = Promises(book.telemetry)
    promises.follow()
    book.write({2: {"due_at": at(1), "fails": at(1)}})
    promises.follow()
    look = promises.look(at(2), [])
    assert (names(look.cases), names(look.late), names(look.failing)) == ([1, 2], [1, 2], [2])


def test_a_pause_mutes_until_it_ends_and_its_end_is_noticed(book):
    paused = {"due_at": at(1), "paused_from": at(0), "paused_until": at(4)}
    book.write({1: paused})
    promises = Promises(book.telemetry)
    looks = settled(promises, 2, 3, 4.5, 5)
    told = [(names(look.cases), names(look.late)) for look in looks]
    assert told == [([], []), ([], None), ([1], [1]), ([], None)]


def test_a_failure_ahead_of_what_is_derived_is_told_again_when_its_instant_has_come(book):
    book.write({1: {"fails": at(4)}})
    promises = Promises(book.telemetry)
    looks = settled(promises, 3, 3.5, 4.5, 5)
    told = [names(look.failing) for look in looks]
    assert told == [[1], None, [1], None]


def test_a_watched_case_is_told_when_it_changes_and_found_when_it_has_ended(book):
    book.write({1: {"completed_at": at(1)}, 3: {}, 5: {}})
    promises = Promises(book.telemetry)
    look = promises.look(at(1), ["contract:clm:1"])
    assert names(look.cases) == [1]
    promises.settle(look)
    told = []
    for watched in (["contract:clm:1"], ["contract:clm:1", "contract:clm:3"]):
        look = promises.look(at(1), watched)
        told.append(names(look.cases))
        promises.settle(look)
    book.write({3: {"criticality": "internal"}, 5: {"criticality": "internal"}})
    told.append(names(promises.look(at(1), ["contract:clm:3"]).cases))
    assert told == [[], [3], [3]]


def test_what_watched_identifiers_resolve_to_follows_the_store(book):
    def resolve(value: str, to: str) -> None:
        row = {"object_type": "contract", "namespace": "clm", "value": value, "object_id": to}
        stamps = {"generation": book.generation, "deleted": 0}
        frame = pl.DataFrame([row | {"root_id": to, "owner_id": ""}])
        stamped = [pl.lit(n, pl.UInt64).alias(name) for name, n in stamps.items()]
        book.telemetry.insert("identifiers", frame.with_columns(stamped))

    book.write({1: {}, 2: {}})
    resolve("1", "contract:clm:1")
    promises = Promises(book.telemetry)
    watched = ["contract:clm:1", "contract:clm:9"]
    assert promises.look(at(1), watched).today == {"contract:clm:1": "contract:clm:1"}
    book.generation += 1
    resolve("1", "contract:clm:2")
    book.generation -= 1
    book.write({3: {}})
    look = promises.look(at(1), watched)
    assert look.today == {"contract:clm:1": "contract:clm:2"}
    promises.settle(look)
    assert names(look.cases) == [2]
    assert promises.look(at(1), []).today == {}


def test_of_one_generation_a_case_that_changed_its_root_is_there(book):
    book.write({1: {"due_at": at(1)}})
    promises = Promises(book.telemetry)
    promises.settle(promises.look(at(2), []))
    book.write({1: None}, finished=False)
    book.generation -= 1
    book.write({1: {"due_at": at(1), "criticality": "internal"}})
    assert promises.look(at(2), []).cases["criticality"].to_list() == ["internal"]


def test_marks_of_rules_are_instants_like_any_other(book):
    def marks(cases: pl.DataFrame) -> pl.DataFrame:
        return cases.select((pl.col("due_at") - timedelta(hours=2)).alias("mark:half"))

    book.write({1: {"due_at": at(6)}})
    promises = Promises(book.telemetry, marks)
    looks = settled(promises, 3, 4.5, 5)
    told = [(names(look.cases), names(look.late)) for look in looks]
    assert told == [([], []), ([1], None), ([], None)]
    assert promises.next_instant(at(2)) == at(4)
    assert promises.next_instant(at(4)) == at(6)
    assert promises.next_instant(at(6)) is None


@pytest.fixture(params=[20_000, 0], ids=["beside", "put together at once"])
def _size(request, monkeypatch):
    monkeypatch.setattr(open_cases, "_BESIDE", request.param)


hours = st.one_of(st.none(), st.integers(0, 12))
states = st.fixed_dictionaries(
    {
        name: hours.map(lambda value: None if value is None else at(value))
        for name in ("warn_at", "due_at", "current_due_at", "completed_at", "fails")
    }
    | {"pause": st.one_of(st.none(), st.tuples(st.integers(0, 12), st.integers(1, 4)))}
)
turns = st.tuples(
    st.dictionaries(st.integers(0, 4), st.one_of(st.none(), states), max_size=4),
    st.sampled_from(["settle"] * 8 + ["fail", "follow", "half"] * 2 + ["reset"]),
    st.integers(0, 3),
    st.sets(st.integers(0, 4)),
)


def _row(state: dict[str, Any] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    row = dict(state)
    pause = row.pop("pause")
    if pause:
        row |= {"paused_from": at(pause[0]), "paused_until": at(sum(pause))}
    return row


def _keyed(cases: pl.DataFrame) -> dict[str, str]:
    return {row["case_id"]: str(row) for row in cases.iter_rows(named=True)}


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(turns, min_size=2, max_size=7))
@pytest.mark.usefixtures("_size")
def test_looks_add_up_to_what_the_store_tells(telemetry: Telemetry, history: list) -> None:
    """Whoever applies what looks tell knows what looking at everything would have told.

    After a look that was not settled, a case with nothing to tell any more has to be watched.
    """
    for table in ("cases", "steps", "cursors"):  # a whole reset takes long
        telemetry.command(f"TRUNCATE TABLE {table} SYNC")
    book, promises, now = Book(telemetry), Promises(telemetry), BASE
    seen: dict[str, tuple[str, bool]] = {}
    late: dict[str, str] = {}
    fails: dict[str, str] = {}
    settled = False
    for cases, then, hours_on, watching in history:
        afresh, settled = not settled or then == "reset", then in ("settle", "reset")
        if then == "reset":
            telemetry.reset()
            book.generation = 0
        rows = {number: _row(state) for number, state in cases.items()}
        book.write(rows, finished=then != "half")
        now += timedelta(hours=hours_on)
        if then == "follow":
            promises.follow()
            continue
        watched = {f"contract:clm:{number}" for number in watching}
        look = promises.look(now, watched)
        if then == "half":
            continue
        everything = _everything(telemetry)
        told = _keyed(look.cases)
        for row in everything.iter_rows(named=True):
            name, tells = row["case_id"], _tells(everything, row["case_id"], now)
            was = seen.get(name)
            if (tells or (was and was[1] and not afresh)) and (str(row), tells) != was:
                assert told.get(name) == str(row), f"{name} at {now}"
            elif name in watched and was and was[0] != str(row):
                assert told.get(name) == str(row)
        late = late if look.late is None else _keyed(look.late)
        fails = fails if look.failing is None else _keyed(look.failing)
        assert late == _keyed(everything.filter(open_cases.is_late(now)))
        assert fails == _keyed(failing.steps(telemetry))
        assert set(told.items()) <= set(_keyed(everything).items())
        if then != "fail":
            promises.settle(look)
            seen = {
                row["case_id"]: (str(row), _tells(everything, row["case_id"], now))
                for row in everything.iter_rows(named=True)
            }


def _everything(telemetry: Telemetry) -> pl.DataFrame:
    ids = [f"contract:clm:{number}" for number in range(5)]
    return deadlines.named(telemetry, ids).drop("dimensions")


def _tells(everything: pl.DataFrame, name: str, now: datetime) -> bool:
    tells = open_cases.tells(everything.columns, now)
    return not everything.filter(pl.col("case_id") == name, tells).is_empty()


def test_a_look_has_all_columns_even_when_nothing_is_there(telemetry):
    look = Promises(telemetry).look(at(0), [])
    assert isinstance(look, Look)
    assert set(CASES) <= set(look.cases.columns)
    assert look.cases.is_empty()
