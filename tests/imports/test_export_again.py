"""What was imported and is exported again is, imported once more, the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from collector import mapping as mappings
from collector.decode import decode
from collector.exports import ocel_json, ocel_sqlite, ocel_xml
from collector.exports.logs import Log
from collector.exports.restoring import restore
from collector.imports import BATCH_TYPE, import_file
from threadline.model.entries import Entry, Logged, Position
from threadline.store.telemetry import Telemetry

WRITERS: Mapping[str, Callable[[Log, Path], None]] = {
    "jsonocel": ocel_json.write,
    "xmlocel": ocel_xml.write,
    "sqlite": ocel_sqlite.write,
}
RECEIVED = datetime(2026, 9, 25, 12, tzinfo=UTC)
NO_TIME = "1970-01-01T00:00:00Z"

names = st.text("abcXYZ ./:é\u4e2d<>&\"'|", min_size=1, max_size=8).filter(str.strip)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
values = {
    "string": texts,
    "integer": st.integers(-(2**53), 2**53),
    "float": st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: x + 0.5),
    "boolean": st.booleans(),
}
times = (
    st.integers(10**15, 17 * 10**14)
    .map(lambda us: datetime.fromtimestamp(us / 10**6, UTC))
    .map(lambda at: at.isoformat().replace("+00:00", "Z"))
)
types = st.dictionaries(
    st.sampled_from(["place order", "Pay!", "send"]),
    st.dictionaries(st.sampled_from(["amount", "note", "odd name"]), st.sampled_from([*values])),
    min_size=1,
)


@st.composite
def logs(draw: st.DrawFn) -> dict[str, Any]:
    """An OCEL 2.0 log, as its JSON says it; every declared type occurs."""
    kinds = {key: draw(types) for key in ("objectTypes", "eventTypes")}

    def attributes(kind: Mapping[str, str], **more: st.SearchStrategy[str]) -> list[Any]:
        return [
            {"name": name, "value": _text(draw(values[told]))}
            | {k: draw(m) for k, m in more.items()}
            for name, told in kind.items()
        ]

    objects = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    events = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    related = st.lists(st.tuples(st.sampled_from(objects), texts), max_size=3, unique=True).map(
        lambda found: [{"objectId": one, "qualifier": qualifier} for one, qualifier in found]
    )
    log: dict[str, Any] = {"objects": [], "events": []}
    for key, ids in (("objects", objects), ("events", events)):
        for name in ids:
            kind = draw(st.sampled_from([*kinds[f"{key[:-1]}Types"]]))
            dated = {"time": times} if key == "objects" else {}
            one = {"id": name, "type": kind, "relationships": draw(related)}
            one["attributes"] = attributes(kinds[f"{key[:-1]}Types"][kind], **dated)
            log[key].append(one | ({} if dated else {"time": draw(times)}))
    for key, told in kinds.items():
        log[key] = [
            {"name": kind, "attributes": [{"name": n, "type": t} for n, t in declared.items()]}
            for kind, declared in told.items()
        ]
    return log


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def sent(file: Path) -> list[bytes]:
    bodies: list[bytes] = []
    import_file(file, None, bodies.append)
    return bodies


def stored(telemetry: Telemetry, bodies: Sequence[bytes]) -> str:
    """The facts of an import in an otherwise empty store; the source it was sent as."""
    telemetry.command("TRUNCATE TABLE facts SYNC")
    entries = [
        Logged(
            position=Position(partition=0, offset=place),
            entry=Entry(
                kind="cloudevents",
                source="open",
                content_type=BATCH_TYPE,
                received_at=RECEIVED,
                body=body,
            ),
        )
        for place, body in enumerate(bodies)
    ]
    found = decode(entries, mappings.load(), frozenset(), 1, telemetry)
    assert found.dead_letters.is_empty()
    telemetry.insert("facts", found.facts)
    source: str = json.loads(bodies[0])[0]["source"]
    return source


def meaning(bodies: Sequence[bytes]) -> dict[str, Any]:
    """What was sent, by id; times by instant, states one value at a time."""
    found = {}
    for event in (event for body in bodies for event in json.loads(body)):
        data = {key: value for key, value in event["data"].items() if key != "ocel.time"}
        told = zip(*(data.pop(f"ocel.{each}", ()) for each in ("names", "types")), strict=True)
        states = [
            (_instant(state["time"] or NO_TIME), name, repr(value))
            for state in data.pop("ocel.history", ())
            for name, value in state.items()
            if name != "time"
        ]
        data.pop("ocel.attributes", None)
        place = (event["type"], event.get("time"), data, sorted(states), sorted(told))
        found[event["id"]] = place
    return found


def again(telemetry: Telemetry, bodies: Sequence[bytes], directory: Path, kind: str) -> Path:
    """A file named like that of the import, with what `bodies` had stored."""
    log = Log(directory=directory)
    source = stored(telemetry, bodies)
    restore(telemetry, source, log, lambda told: told)
    file = directory / f"{source.rpartition('/')[2]}.{kind}"
    file.unlink(missing_ok=True)
    WRITERS[kind](log, file)
    log.close()
    return file


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs(), kind=st.sampled_from([*WRITERS]))
def test_any_log_comes_back_in_any_format(telemetry, tmp_path, log, kind):
    assume(kind != "sqlite" or '"boolean"' not in json.dumps(log))  # SQLite knows 0 and 1 only
    file = tmp_path / "given.jsonocel"
    file.write_text(json.dumps(log))
    bodies = sent(file)
    assert meaning(sent(again(telemetry, bodies, tmp_path, kind))) == meaning(bodies)


@pytest.mark.parametrize("name", ["ocel20_example.xmlocel", "running-example.xes"])
def test_the_real_logs_come_back(telemetry, real, tmp_path, name):
    bodies = sent(real / name)
    for kind in WRITERS:
        assert meaning(sent(again(telemetry, bodies, tmp_path, kind))) == meaning(bodies)
