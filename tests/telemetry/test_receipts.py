"""Facts received and orphans among them, against a count by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from threadline.store.telemetry import Telemetry, receipts

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIED, LOOSE = "P-1", "P-2"  # a project of a contract, and one that nothing ties to any


class Books:
    """Facts as the tables tell them, and as they were meant."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict]] = {"unattributed": [], "mentions": []}
        self.versions: list[dict] = []
        self.facts: list[tuple[str, datetime, str]] = []

    def fact(self, source: str, hours: float, standing: str, names: tuple[str, ...] = ()) -> None:
        """A fact, and a copy of it that was received later and read before."""
        at, number = START + hours * HOUR, len(self.facts)
        self.facts.append((source, at, standing))
        version = {"source": source, "fact_id": f"f{number}", "mapping_revision": 1}
        for received in (at + 40 * DAY, at):
            self.versions.append({**version, "content_hash": number, "received_at": received})
        row = {"source": source, "fact_id": f"f{number}", "received_at": at}
        if not names:
            how = "shared" if standing == "shared" else "none"
            self.rows["unattributed"].append({**row, "how": how})
        for name in names:
            named = {"object_type": "project", "namespace": "erp", "value": name}
            self.rows["mentions"].append({**row, **named, "how": "own", "of": len(names)})

    def write(self, telemetry: Telemetry) -> None:
        for copies in (self.versions[::2], self.versions[1::2]):
            telemetry.insert("facts", pl.DataFrame(copies))
        for table, rows in self.rows.items():
            telemetry.insert(table, _generation(pl.DataFrame(rows)))
        places = {TIED: "contract:clm:C-1", LOOSE: ""}
        rows = [
            {"object_type": "project", "namespace": "erp", "value": name, "root_id": root}
            for name, root in places.items()
        ]
        telemetry.insert("identifiers", _generation(pl.DataFrame(rows)))

    def counted(self, place: int, start: datetime, end: datetime) -> list[tuple]:
        inside = [(source, how) for source, at, how in self.facts if start <= at < end]
        return [
            (
                place,
                source,
                "",
                how,
                sum(one[0] == source and how in ("", one[1]) for one in inside),
            )
            for source in sorted({source for source, _ in inside})
            for how in ("", "orphan", "shared")
            if not how or (source, how) in inside
        ]


def _generation(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(generation=pl.lit(1, pl.UInt64))


@pytest.fixture
def books(telemetry: Telemetry) -> Books:
    books = Books()
    for hour in range(40):
        books.fact(("erp", "psa")[hour % 2], hour, "attributed", (TIED,))
    for hour in (3, 4, 9.5, 30):
        books.fact("erp", hour, "orphan")
        books.fact("psa", hour, "orphan", (LOOSE,))
        books.fact("erp", hour, "attributed", (LOOSE, TIED))
        books.fact("bank", hour, "shared")
    books.write(telemetry)
    return books


def test_each_window_has_its_own_facts_and_orphans(telemetry: Telemetry, books: Books):
    windows = [
        (START + a * HOUR, START + b * HOUR) for a, b in ((0, 4), (4, 30), (3, 31), (50, 60))
    ]
    found = receipts.orphans(telemetry, windows)
    expected = [row for place, span in enumerate(windows) for row in books.counted(place, *span)]
    assert found.rows() == expected
    assert sum(row[4] for row in expected if row[3] == "orphan") > 4


def test_what_is_told_again_shortly_after_is_no_news(telemetry: Telemetry):
    told = [  # name, attributes, hours, outcome, kind, identifier; every one a fact of its own
        ("a", "1", 0, "ok", "event", TIED),
        ("a", "1", 20, "ok", "event", TIED),  # again
        ("a", "1", 39, "ok", "event", TIED),  # again, an hour before a day has gone by since
        ("a", "1", 90, "ok", "event", TIED),  # so late that it is another act
        ("a", "2", 1, "ok", "event", TIED),  # says something else
        ("b", "1", 1, "ok", "event", TIED),
        ("c", "1", 1, "error", "event", TIED),
        ("c", "1", 2, "error", "event", TIED),  # fails again: another try
        ("d", "1", 1, "ok", "span", TIED),
        ("d", "1", 2, "ok", "span", TIED),  # work done again
        ("e", "1", 1, "ok", "event", ""),
        ("e", "1", 2, "ok", "event", ""),  # speaks of nobody
    ]
    rows = [
        {
            "source": "s",
            "system": "erp",
            "fact_id": f"f{number:02}",
            "name": name,
            "attributes": said,
            "at": START + hours * HOUR,
            "received_at": START + (hours + 1) * HOUR,
            "plausible": True,
            "outcome": outcome,
            "kind": kind,
            "identifiers": [one] if one else [],
        }
        for number, (name, said, hours, outcome, kind, one) in enumerate(told)
    ]
    telemetry.insert("facts", pl.DataFrame(rows))
    windows = [(START, START + 30 * HOUR), (START + 30 * HOUR, START + 100 * HOUR)]
    found = receipts.repeated(telemetry, windows, DAY)
    again = found.filter(standing="told again").select("window", "system", "weight").rows()
    assert again == [(0, "erp", 1), (1, "erp", 1)]
    assert found.filter(standing="")["weight"].to_list() == [10, 2]
    listed = receipts.facts_repeated(telemetry, (START, START + 100 * HOUR), DAY)
    assert listed.select("fact_id", "repeats").rows() == [("f02", "f01"), ("f01", "f00")]


def test_what_could_not_be_mapped_is_told_apart_by_its_reason(telemetry: Telemetry):
    facts = [
        {"source": "s", "system": system, "fact_id": f"f{n}", "received_at": START + n * HOUR}
        for n, system in enumerate(("erp", "erp", "psa", "psa", "psa"))
    ]
    telemetry.insert("facts", pl.DataFrame(facts))
    named = {"object_type": "project", "namespace": "erp", "value": TIED, "how": "own"}
    telemetry.insert("mentions", _generation(pl.DataFrame([fact | named for fact in facts])))
    failed = [("i", "f1", "mapping-failed"), ("j", "f1", "mapping-failed"), ("i", "f2", "disputed")]
    failed += [("i", "f3", "required-field-missing")]
    rows = [dict(zip(("journey", "fact_id", "kind"), row, strict=True)) for row in failed]
    telemetry.insert("exceptions", _generation(pl.DataFrame(rows)))
    letter = {"source": "s", "offset": 7, "reason": "no JSON", "received_at": START + 2 * HOUR}
    telemetry.insert("dead_letters", _generation(pl.DataFrame([letter])))
    kinds = ("mapping-failed", "required-field-missing")
    window = (START + HOUR, START + 9 * HOUR)
    found = receipts.failing(telemetry, [window], kinds).select("system", "standing", "weight")
    assert sorted(found.rows()) == [
        ("", "not understood", 1),
        ("erp", "", 1),
        ("erp", "mapping-failed", 1),
        ("psa", "", 3),
        ("psa", "required-field-missing", 1),
    ]
    listed = receipts.facts_failing(telemetry, window, kinds)
    assert [row[0] or row[1] for row in listed.select("fact_id", "position").rows()] == [
        "f3",
        "0-7/0",
        "f1",
    ]


def test_a_system_was_heard_of_before_the_end_of_each_window(telemetry: Telemetry):
    hours = {"erp": (1, 5, 20), "psa": (8,)}
    rows = [
        {"fact_id": f"{system}{at}", "system": system, "received_at": START + at * HOUR}
        for system, ats in hours.items()
        for at in ats
    ]
    telemetry.insert("facts", pl.DataFrame(rows))
    windows = [(START, START + at * HOUR) for at in (1, 6, 8.5, 30)]
    found = receipts.heard(telemetry, windows)
    assert found.rows() == [
        (place, system, START + max(before) * HOUR)
        for place, (_, end) in enumerate(windows)
        for system, ats in hours.items()
        if (before := [at for at in ats if START + at * HOUR < end])
    ]


def test_nobody_asked_about_has_no_rows_but_columns(telemetry: Telemetry):
    found = receipts.orphans(telemetry, [])
    assert found.columns == ["window", "source", "system", "standing", "weight"]
    assert found.is_empty()


def test_a_link_that_arrives_late_takes_orphans_out_of_windows_gone_by(
    telemetry: Telemetry, books: Books
):
    whole = [(START, START + 100 * HOUR)]
    tie = {"object_type": ["project"], "namespace": ["erp"], "value": [LOOSE], "root_id": ["r"]}
    telemetry.insert("identifiers", pl.DataFrame(tie | {"generation": [2]}))
    orphans = receipts.orphans(telemetry, whole).filter(standing="orphan")["weight"].sum()
    assert orphans == sum(how == "orphan" for _, _, how in books.facts) / 2
