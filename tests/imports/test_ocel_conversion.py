"""An object-centric log becomes CloudEvents that say what it says, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.imports import import_file
from threadline.errors import DefinitionErrors
from threadline.store.foreign import UnreadableFile

Log = Callable[..., Path]


def test_an_event_names_its_objects_with_their_qualifiers(log: Log, mapping: Path) -> None:
    placed = _imported(log(), mapping)["a"]
    assert placed["type"] == "place"
    assert placed["source"] == "/ocel/log"
    assert placed["data"] == {
        "order.channel": "web",
        "order.id": ["1"],
        "order.qualifiers": ["order"],
        "customer.id": ["ACME"],
        "customer.qualifiers": ["customer"],
        "ocel.time": "2024-01-01 10:00:00",
        "ocel.key": "a",
        "ocel.log": "/ocel/log",
        "ocel.attributes": ["order.channel"],
        "ocel.names": ["channel"],
        "ocel.types": ["string"],
    }


def test_bare_times_are_read_in_the_zone_and_others_in_their_own(log: Log, mapping: Path) -> None:
    events = _imported(log(), mapping)
    assert events["a"]["time"] == "2024-01-01T09:00:00Z"
    assert events["b"]["time"] == "2024-01-01T10:00:00.250000Z"


def test_what_happens_to_a_package_happens_to_the_items_in_it(log: Log, mapping: Path) -> None:
    sent = _imported(log(), mapping)["c"]["data"]
    assert sent["package.id"] == ["P"]
    assert sent["item.id"] == ["11", "21"]
    assert "item.qualifiers" not in sent


def test_an_object_keeps_its_first_attributes_and_its_history(log: Log, mapping: Path) -> None:
    order = _imported(log(), mapping)["object:1"]
    assert order["type"] == "ocel.object"
    assert order["data"]["order.id"] == "1"
    assert order["data"]["order.price"] == 9.5
    assert order["data"]["ocel.history"] == [
        {"time": "1970-01-01 00:00:00", "order.price": 9.5},
        {"time": "2024-01-02 00:00:00", "order.price": 8.25},
    ]


def test_objects_and_relations_are_dated_by_the_first_event_that_shows_them(
    log: Log, mapping: Path
) -> None:
    file = log(
        "INSERT INTO event VALUES ('d', 'send')",
        "INSERT INTO event_Send VALUES ('d', '2024-02-01 09:00:00')",
        "INSERT INTO event_object VALUES ('d', '1', 'order')",
    )
    events = _imported(file, mapping)
    assert events["object:1"]["time"] == "2024-01-01T09:00:00Z"
    assert events["relation:1:comprises:11"]["time"] == "2024-01-01T09:00:00Z"
    assert events["relation:P:contains:21"]["time"] == "2024-01-05T08:00:00Z"
    assert "time" not in events["object:12"]


def test_relations_name_both_ends_only_where_the_mapping_ties_them(log: Log, mapping: Path) -> None:
    events = _imported(log(), mapping)
    owned = events["relation:1:comprises:11"]["data"]
    assert (owned["order.id"], owned["item.id"]) == ("1", "11")
    loose = events["relation:2:resembles:11"]["data"]
    assert not {"order.id", "item.id"} & set(loose)
    assert (loose["ocel.source"], loose["ocel.target"]) == ("2", "11")


def test_what_the_log_leaves_open_is_counted(log: Log, mapping: Path) -> None:
    file = log(
        "INSERT INTO object_object VALUES ('2', '11', 'comprises')",
        "INSERT INTO object VALUES ('99', 'items')",
        "INSERT INTO event VALUES ('d', 'send'), ('e', 'send')",
        "INSERT INTO event_Send VALUES ('d', 'some day')",
        "INSERT INTO event_object VALUES ('d', 'LOST', 'package')",
    )
    report = import_file(file, mapping, lambda _: None)
    assert (report.disputed, report.unowned) == (1, 1)
    assert (report.undated, report.dangling) == (2, 1)
    assert report.empty_event_types == ("pay",)
    events = _imported(file, mapping)
    assert events["d"]["data"]["ocel.unknown.id"] == ["LOST"]
    assert events["d"]["data"]["ocel.time"] == "some day"
    assert "time" not in events["e"]


def test_importing_again_sends_the_same_bytes(log: Log, mapping: Path) -> None:
    file, first, second = log(), [], []  # type: Path, list[bytes], list[bytes]
    import_file(file, mapping, first.append)
    import_file(file, mapping, second.append)
    assert first == second


def test_progress_ends_at_the_number_of_events_posted(log: Log, mapping: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = import_file(log(), mapping, lambda _: None, lambda *at: seen.append(at))
    assert seen[-1] == (report.posted, report.posted)


def test_a_type_the_mapping_leaves_out_is_an_error_and_nothing_is_sent(
    log: Log, mapping: Path
) -> None:
    file = log("INSERT INTO object_map_type VALUES ('invoices', 'Invoices')")
    posted: list[bytes] = []
    with pytest.raises(DefinitionErrors, match=r"import.yaml:5: objects: .*'invoices'"):
        import_file(file, mapping, posted.append)
    assert posted == []


def test_a_type_the_log_does_not_have_is_an_error(log: Log, mapping: Path) -> None:
    mapping.write_text(mapping.read_text().replace("  customers:", "  clients:"))
    with pytest.raises(DefinitionErrors) as raised:
        import_file(log(), mapping, lambda _: None)
    assert {(error.line, error.key) for error in raised.value.errors} == {
        (5, "objects"),
        (9, "objects.clients"),
    }


@pytest.mark.parametrize(
    ("fault", "line", "key", "rule"),
    [
        ("unknown-zone", 2, "zone", "no IANA time zone"),
        ("root-not-mapped", 3, "root", "one of objects"),
        ("two-types-of-one-name", 6, "objects.returns.as", "already called"),
        ("owner-leads-nowhere", 9, "objects.items.owner.type", "does not lead to the root"),
        ("never-links-yet-owned", 6, "objects.customers", "excludes owner"),
        ("relation-to-unknown", 9, "objects.packages.relations.contains.to", "unknown"),
        ("unknown-key", 5, "objects.orders", "colour"),
        ("no-source", 1, "", "'source' is a required property"),
    ],
)
def test_a_faulty_mapping_is_refused_with_its_place(
    log: Log, fault: str, line: int, key: str, rule: str
) -> None:
    file = Path(__file__).parent / "faults" / f"{fault}.yaml"
    with pytest.raises(DefinitionErrors) as raised:
        import_file(log(), file, lambda _: None)
    found = {(e.line, e.key): e.rule for e in raised.value.errors if e.file == file}
    assert rule in found[line, key]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, mapping: Path) -> None:
    file = tmp_path / "log.sqlite"
    file.write_text("this is not a database, however long it may go on" * 40)
    with pytest.raises(UnreadableFile, match="not a database"):
        import_file(file, mapping, lambda _: None)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, mapping: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file"):
        import_file(tmp_path / "gone.sqlite", mapping, lambda _: None)


def test_a_database_that_is_no_log_is_refused_by_what_it_lacks(log: Log, mapping: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"table missing \(object_object\)"):
        import_file(log("DROP TABLE object_object"), mapping, lambda _: None)


def _imported(file: Path, mapping: Path) -> dict[str, dict[str, Any]]:
    bodies: list[bytes] = []
    import_file(file, mapping, bodies.append)
    return {event["id"]: event for body in bodies for event in json.loads(body)}
