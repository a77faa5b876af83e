"""Logs to import: one made by hand, and the real ones where they are at hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "shared" / "data" / "eventlogs"

TABLES = """
CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
CREATE TABLE event_Place (ocel_id TEXT, ocel_time TEXT, channel TEXT);
CREATE TABLE event_Send (ocel_id TEXT, ocel_time TEXT);
CREATE TABLE event_Pay (ocel_id TEXT, ocel_time TEXT);
CREATE TABLE object_Orders (ocel_id INTEGER, ocel_time TEXT, ocel_changed_field TEXT, price REAL);
CREATE TABLE object_Items (ocel_id INTEGER, ocel_time TEXT, ocel_changed_field TEXT);
CREATE TABLE object_Packages (ocel_id TEXT, ocel_time TEXT, ocel_changed_field TEXT);
CREATE TABLE object_Customers (ocel_id TEXT, ocel_time TEXT, ocel_changed_field TEXT);
INSERT INTO event_map_type VALUES ('place', 'Place'), ('send', 'Send'), ('pay', 'Pay');
INSERT INTO object_map_type VALUES ('orders', 'Orders'), ('items', 'Items'),
    ('packages', 'Packages'), ('customers', 'Customers');
INSERT INTO object VALUES ('1', 'orders'), ('2', 'orders'), ('11', 'items'), ('12', 'items'),
    ('21', 'items'), ('P', 'packages'), ('ACME', 'customers');
INSERT INTO object_Orders VALUES (1, '1970-01-01 00:00:00', NULL, 9.5),
    (1, '2024-01-02 00:00:00', 'price', 8.25), (2, '1970-01-01 00:00:00', NULL, 3.0);
INSERT INTO event VALUES ('a', 'place'), ('b', 'place'), ('c', 'send');
INSERT INTO event_Place VALUES ('a', '2024-01-01 10:00:00', 'web'),
    ('b', '2024-01-01T12:00:00.250+02:00', NULL);
INSERT INTO event_Send VALUES ('c', '2024-01-05 09:00:00');
INSERT INTO event_object VALUES ('a', '1', 'order'), ('a', 'ACME', 'customer'),
    ('b', '2', 'order'), ('c', 'P', 'package');
INSERT INTO object_object VALUES ('1', '11', 'comprises'), ('1', '12', 'comprises'),
    ('2', '21', 'comprises'), ('P', '11', 'contains'), ('P', '21', 'contains'),
    ('ACME', '1', 'places'), ('2', '11', 'resembles');
"""

MAPPING = """\
source: /ocel/log
zone: Europe/Berlin
root: orders
journey: fulfilment
objects:
  orders: {as: order, attributes: {price: order.price}}
  items: {as: item, owner: {type: orders, qualifier: comprises}}
  packages: {as: package, relations: {contains: {to: items, carries_events: true}}}
  customers: {as: customer, links: never}
events:
  place: {attributes: {channel: order.channel}}
"""


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Makes the file of a small log, with further statements run on it."""

    def make(*statements: str) -> Path:
        file = tmp_path / "log.sqlite"
        file.unlink(missing_ok=True)
        connection = sqlite3.connect(file)
        connection.executescript(TABLES + ";".join(statements))
        connection.close()
        return file

    return make


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """The mapping of the small log."""
    file = tmp_path / "import.yaml"
    file.write_text(MAPPING)
    return file


@pytest.fixture
def real() -> Path:
    """The folder of real logs."""
    if not REAL.is_dir():
        pytest.skip(f"the real event logs are not at {REAL.name}: see the data folder's index")
    return REAL
