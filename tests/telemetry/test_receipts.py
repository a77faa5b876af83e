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
                sum(one[0] == source for one in inside),
                inside.count((source, "shared")),
                inside.count((source, "orphan")),
            )
            for source in sorted({source for source, _ in inside})
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
    found = receipts.received(telemetry, windows)
    expected = [row for place, span in enumerate(windows) for row in books.counted(place, *span)]
    assert found.rows() == expected
    assert sum(row[4] for row in expected) > 4


def test_nobody_asked_about_has_no_rows_but_columns(telemetry: Telemetry):
    found = receipts.received(telemetry, [])
    assert found.columns == ["window", "source", "facts", "shared", "orphans"]
    assert found.is_empty()


def test_a_link_that_arrives_late_takes_orphans_out_of_windows_gone_by(
    telemetry: Telemetry, books: Books
):
    whole = [(START, START + 100 * HOUR)]
    tie = {"object_type": ["project"], "namespace": ["erp"], "value": [LOOSE], "root_id": ["r"]}
    telemetry.insert("identifiers", pl.DataFrame(tie | {"generation": [2]}))
    orphans = receipts.received(telemetry, whole)["orphans"].sum()
    assert orphans == sum(how == "orphan" for _, _, how in books.facts) / 2
