"""Nightly files: what the bank and revenue recognition have to tell comes as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from threadline.simulator.acts import BANK, Row
from threadline.simulator.scenario import Scenario

MAPPINGS = Path(__file__).parent / "files"
BANK_TIME = "%d.%m.%Y %H:%M:%S"
COLUMNS = {
    BANK: ("Referenz", "Rechnung", "Betrag", "Waehrung"),
}
REVENUE_COLUMNS = (
    *("entry", "kind", "schedule", "project", "new_project"),
    *("planned", "amount", "currency", "period_status"),
)

Import = Callable[[Path, Path], object]


def write(rows: Sequence[Row], directory: Path, scenario: Scenario, at: datetime) -> Path:
    """Write the rows of one service that come in one file at `at`; times are local, to a second."""
    service = rows[0].service
    zone = scenario.conditions(service).zone
    number = sum(1 for _ in directory.glob(f"{service}-*.csv"))
    file = directory / f"{service}-{at:%Y%m%d}-{number:03d}.csv"
    bank = service == BANK
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter=";" if bank else ",")
        columns = COLUMNS.get(service, REVENUE_COLUMNS)
        writer.writerow([*columns, "Buchungszeit" if bank else "posted_at"])
        for row in rows:
            local = row.at.astimezone(zone).replace(tzinfo=None, microsecond=0)
            time = local.strftime(BANK_TIME) if bank else local.isoformat(sep=" ")
            writer.writerow([*(row.cells.get(column, "") for column in columns), time])
    return file


def mapping(service: str) -> Path:
    """The mapping that goes with the files of `service`."""
    return MAPPINGS / f"{service}.yaml"
