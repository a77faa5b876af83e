"""A nightly CSV file becomes one CloudEvent a row, and what cannot be read is said and counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from collector.imports import Complaint, RowsReport, import_file
from threadline.errors import DefinitionErrors
from threadline.store.foreign import UnreadableFile

MAPPING = """\
format: csv
source: /bank/ledger
zone: Europe/Berlin
type: {value: bank.payment.received}
time: {column: booked_at}
key: [reference]
attributes: {reference: payment.reference, invoice: invoice.number}
"""
HEADER = "reference,invoice,booked_at,amount\n"
PAID = "R-1,4711,2026-06-01T10:00:00,100.00\n"
OTHER = "R-2,4712,2026-06-01T11:30:00+01:00,50.00\n"


class Night:
    """Files of one night after the other, under one mapping."""

    def __init__(self, directory: Path, mapping: str = MAPPING) -> None:
        self.file, self.mapping = directory / "payments.csv", directory / "payments.yaml"
        self.mapping.write_text(mapping)
        self.events: list[dict[str, Any]] = []
        self.report: RowsReport | None = None

    def send(self, text: str | bytes) -> list[dict[str, Any]]:
        """The events of a file of this content."""
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        bodies: list[bytes] = []
        report = import_file(self.file, self.mapping, bodies.append)
        assert isinstance(report, RowsReport)
        self.report = report
        return [event for body in bodies for event in json.loads(body)]

    def complaints(self, text: str) -> tuple[Complaint, ...]:
        self.send(text)
        assert self.report is not None
        return self.report.complaints


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def test_a_row_is_an_event_of_its_source_type_time_and_cells(night: Night) -> None:
    first, second = night.send(HEADER + PAID + OTHER)
    assert first == {
        "specversion": "1.0",
        "id": "R-1@" + first["id"].split("@")[1],
        "source": "/bank/ledger",
        "type": "bank.payment.received",
        "datacontenttype": "application/json",
        "time": "2026-06-01T08:00:00Z",
        "data": {
            "payment.reference": "R-1",
            "invoice.number": "4711",
            "booked_at": "2026-06-01T10:00:00",
            "amount": "100.00",
        },
    }
    assert second["time"] == "2026-06-01T10:30:00Z"
    assert night.report == RowsReport(
        source="/bank/ledger", file=night.file, rows=2, posted=2, complaints=()
    )


def test_the_version_of_a_row_is_the_digest_of_its_cells_by_name(night: Night) -> None:
    # Reckoned by hand: printf '{"amount":"100.00",…}' | sha256sum
    (event,) = night.send(HEADER + PAID)
    assert event["id"] == "R-1@1006440fcab87e2c"


def test_tonights_file_repeats_what_did_not_change_and_adds_what_did(night: Night) -> None:
    last = {event["id"] for event in night.send(HEADER + PAID + OTHER)}
    tonight = {
        event["id"] for event in night.send(HEADER + OTHER + PAID.replace("100.00", "99.00"))
    }
    assert len(last & tonight) == 1
    (changed,) = tonight - last
    assert changed.startswith("R-1@")


def test_neither_the_mapping_nor_the_columns_order_nor_an_empty_column_changes_an_id(
    night: Night, tmp_path: Path
) -> None:
    before = night.send(HEADER + PAID)[0]["id"]
    moved = "amount,reference,note,booked_at,invoice\n100.00,R-1,,2026-06-01T10:00:00,4711\n"
    assert night.send(moved)[0]["id"] == before
    other = Night(tmp_path, MAPPING.replace("invoice.number", "s4.invoice.number"))
    assert other.send(HEADER + PAID)[0]["id"] == before


def test_a_version_column_decides_what_is_another_version(tmp_path: Path) -> None:
    night = Night(tmp_path, MAPPING + "version: {column: changed}\n")
    header = HEADER.replace("\n", ",changed\n")
    row = PAID.replace("\n", ",7\n")
    assert night.send(header + row)[0]["id"] == "R-1@7"
    assert night.send(header + row.replace("100", "101"))[0]["id"] == "R-1@7"
    assert night.send(header + row.replace(",7", ",8"))[0]["id"] == "R-1@8"
    without = night.send(header + row.replace(",7", ","))[0]["id"]
    assert len(without.split("@")[1]) == 16


def test_several_columns_name_a_row_together(tmp_path: Path) -> None:
    night = Night(tmp_path, MAPPING.replace("[reference]", "[reference, invoice]"))
    assert night.send(HEADER + PAID)[0]["id"].startswith("R-1|4711@")
    (complaint,) = night.complaints(HEADER + PAID.replace("R-1", "R|1"))
    assert (complaint.column, complaint.sent) == ("reference", False)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-29T01:59:00", "2026-03-29T00:59:00Z"),  # winter time
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),  # skipped: as if still winter time
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),  # summer time
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),  # twice: the first
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),  # the second says so
        ("2026-06-01", "2026-05-31T22:00:00Z"),
    ],
)
def test_bare_times_are_those_of_the_zone_also_when_clocks_change(
    night: Night, written: str, instant: str
) -> None:
    (event,) = night.send(HEADER + PAID.replace("2026-06-01T10:00:00", written))
    assert event["time"] == instant
    assert event["data"]["booked_at"] == written


def test_a_format_reads_what_is_not_iso(tmp_path: Path) -> None:
    mapping = MAPPING.replace("booked_at}", 'booked_at, format: "%d.%m.%Y %H:%M"}')
    night = Night(tmp_path, mapping)
    (event,) = night.send(HEADER + PAID.replace("2026-06-01T10:00:00", "01.06.2026 10:00"))
    assert event["time"] == "2026-06-01T08:00:00Z"
    (complaint,) = night.complaints(HEADER + PAID)
    assert "%d.%m.%Y %H:%M" in complaint.rule


def test_a_column_tells_what_a_row_is(tmp_path: Path) -> None:
    kinds = "{column: kind, values: {PAY: bank.payment.received, REV: bank.payment.reversed}}"
    night = Night(tmp_path, MAPPING.replace("{value: bank.payment.received}", kinds))
    header, rows = "kind," + HEADER, f"REV,{PAID}FEE,{OTHER},{OTHER}"
    (event,) = night.send(header + rows)
    assert event["type"] == "bank.payment.reversed"
    assert night.report is not None
    assert [(c.line, c.column, c.sent) for c in night.report.complaints] == [
        (3, "kind", False),
        (4, "kind", False),
    ]
    assert "type.values" in night.report.complaints[0].rule


def test_a_column_without_values_is_the_name_itself(tmp_path: Path) -> None:
    night = Night(tmp_path, MAPPING.replace("value: bank.payment.received", "column: kind"))
    (event,) = night.send("kind," + HEADER + "bank.fee.charged," + PAID)
    assert event["type"] == "bank.fee.charged"


@pytest.mark.parametrize("time", ["", "tomorrow", "2026-02-30", "0001-01-01T00:00:00", "1.6.2026"])
def test_a_row_whose_time_cannot_be_read_is_sent_without_and_said(night: Night, time: str) -> None:
    (event,) = night.send(HEADER + PAID.replace("2026-06-01T10:00:00", time))
    assert "time" not in event
    assert event["data"].get("booked_at", "") == time
    assert night.report is not None
    (complaint,) = night.report.complaints
    assert (complaint.line, complaint.column, complaint.sent) == (2, "booked_at", True)
    assert (night.report.posted, night.report.refused) == (1, 0)


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        (PAID.replace("R-1", ""), "reference", "fill it in"),
        (PAID.replace("R-1", "  "), "reference", "fill it in"),
        (PAID.replace("100.00", "100,00"), "", "quote what holds the delimiter"),
        ("R-1,4711\n", "", "2 cells where the header has 4"),
        ('"R-1"x,4711,2026-06-01,1\n', "", "a quote is not closed"),
    ],
)
def test_a_row_without_name_or_shape_is_refused_and_the_others_are_sent(
    night: Night, row: str, column: str, remedy: str
) -> None:
    sent = night.send(HEADER + "\n" + row + OTHER)
    assert [event["data"]["payment.reference"] for event in sent] == ["R-2"]
    assert night.report is not None
    (complaint,) = night.report.complaints
    assert (complaint.line, complaint.column, complaint.sent) == (3, column, False)
    assert remedy in complaint.rule
    assert (night.report.rows, night.report.posted, night.report.refused) == (2, 1, 1)


def test_an_open_quote_swallows_the_rest_and_says_from_where(night: Night) -> None:
    (complaint,) = night.complaints(HEADER + PAID + '"R-3,4713,2026-06-01,1\n' + OTHER)
    assert (complaint.line, complaint.sent) == (3, False)


def test_cells_may_hold_quotes_delimiters_and_lines(tmp_path: Path) -> None:
    night = Night(tmp_path, MAPPING + 'delimiter: ";"\n')
    text = '\ufeffreference;invoice;booked_at;note\r\nR-1;4711;2026-06-01;"a;b\n""c"""\r\n'
    first = night.send(text)
    assert first[0]["data"]["note"] == 'a;b\n"c"'
    (complaint,) = night.complaints(text + ";4712;2026-06-01;x\n")
    assert complaint.line == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "name the columns"),
        (b",,\nR-1,I-1,2026-06-01\n", "name the columns"),
        (b"reference,booked_at,booked_at\n", "two columns are called 'booked_at'"),
        (HEADER.encode() + "R-1,M\u00fcller,x,1\n".encode("latin-1"), "save it as UTF-8"),
    ],
)
def test_an_unusable_file_is_refused_before_anything_is_sent(
    night: Night, content: bytes, reason: str
) -> None:
    night.file.write_bytes(content)
    posted: list[bytes] = []
    with pytest.raises(UnreadableFile, match=reason):
        import_file(night.file, night.mapping, posted.append)
    assert not posted


def test_an_unusable_parquet_file_is_refused_and_values_are_read_as_csv_has_them(
    night: Night,
) -> None:
    night.mapping.write_text(night.mapping.read_text().replace("format: csv", "format: parquet"))
    night.file.write_bytes(HEADER.encode())
    with pytest.raises(UnreadableFile, match="no Parquet file"):
        import_file(night.file, night.mapping, lambda _: None)
    at = datetime(2026, 6, 1, 9, tzinfo=UTC)
    row = {"reference": "R-1", "invoice": None, "booked_at": at, "paid": True, "cents": 125}
    pl.DataFrame([row | {"parts": [1, 2]}]).write_parquet(night.file)
    with pytest.raises(UnreadableFile, match="column 'parts' holds List"):
        import_file(night.file, night.mapping, lambda _: None)
    pl.DataFrame([row], schema_overrides={"invoice": pl.String}).write_parquet(night.file)
    bodies: list[bytes] = []
    import_file(night.file, night.mapping, bodies.append)
    (event,) = json.loads(bodies[0])
    told = {"payment.reference": "R-1", "booked_at": "2026-06-01T09:00:00+00:00"}
    assert event["data"] == told | {"paid": "true", "cents": "125"}
    assert event["time"] == "2026-06-01T09:00:00Z"


def test_a_file_that_is_not_there_is_said(night: Night) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        import_file(night.file, night.mapping, lambda _: None)


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("zone: Europe/Berlin", "zone: Europe/Bonn", 3, "zone"),
        ("{value: bank.payment.received}", "{value: a, column: b}", 4, "type.column"),
        ("{value: bank.payment.received}", "{column: kind}", 4, "type.column"),
        ("{column: booked_at}", "{column: booked}", 5, "time.column"),
        ("{column: booked_at}", "{column: booked_at, format: now}", 5, "time.format"),
        ("[reference]", "[reference, number]", 6, "key[1]"),
        ("[reference]", "[]", 6, "key"),
        ("invoice: invoice.number", "invoice: payment.reference", 7, "attributes.invoice"),
        ("invoice: invoice.number", "invoice: amount", 7, "attributes.invoice"),
        ("invoice: invoice.number", "invoices: invoice.number", 7, "attributes.invoices"),
        ("format: csv", "format: xlsx", 1, "format"),
        ("format: csv", "format: csv\ncolour: red", 1, ""),
    ],
)
def test_a_wrong_mapping_is_refused_with_line_and_key_before_anything_is_sent(
    night: Night, old: str, new: str, line: int, key: str
) -> None:
    assert old in MAPPING
    night.mapping.write_text(MAPPING.replace(old, new))
    night.file.write_text(HEADER + PAID)
    posted: list[bytes] = []
    with pytest.raises(DefinitionErrors) as refused:
        import_file(night.file, night.mapping, posted.append)
    assert not posted
    found = {(error.line, error.key) for error in refused.value.errors}
    assert (line, key) in found
    assert all(error.file == night.mapping for error in refused.value.errors)


def test_many_rows_go_in_batches_and_progress_is_told(night: Night) -> None:
    night.file.write_text(HEADER + "".join(PAID.replace("R-1", f"R-{n}") for n in range(2_500)))
    sizes: list[int] = []
    seen: list[tuple[int, int]] = []
    import_file(
        night.file,
        night.mapping,
        lambda body: sizes.append(len(json.loads(body))),
        lambda *at: seen.append(at),
    )
    assert sizes == [1_000, 1_000, 500]
    assert seen == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
