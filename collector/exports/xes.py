"""Writing XES (IEEE 1849): a trace for each contract."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from collector.exports.logs import Log, attribute, written

_NAME, _TIME = "concept:name", "time:timestamp"
_TAGS = {"integer": "int", "float": "float", "boolean": "boolean", "time": "date"}
_HEAD = """<?xml version='1.0' encoding='UTF-8'?>
<log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/>
<date key="time:timestamp" value="1970-01-01T00:00:00Z"/></global>
<classifier name="Activity" keys="concept:name"/>
"""


def write(log: Log, file: Path) -> None:
    """The events of `log`, which lie together by `case`, into `file`: a trace for each case."""
    with file.open("w", encoding="utf-8") as out:
        _write(log, out)


def write_compressed(log: Log, file: Path) -> None:
    """The same, compressed by gzip."""
    with gzip.open(file, "wt", encoding="utf-8") as out:
        _write(log, out)


def _write(log: Log, out: IO[str]) -> None:
    out.write(_HEAD)
    for case, events in groupby(log.all_events(), key=lambda event: event.case):
        out.write(f"<trace>\n{_attribute(_NAME, case, 'string')}\n")
        for event in events:
            own = [_attribute(_NAME, event.type, "string"), _attribute(_TIME, event.time, "time")]
            told = _attributes(event.attributes, log.event_types[event.type])
            out.write(f"<event>{''.join([*own, *told])}</event>\n")
        out.write("</trace>\n")
    out.write("</log>\n")


def _attributes(values: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        if name not in (_NAME, _TIME):
            yield _attribute(name, value, types[name])


def _attribute(name: str, value: Any, kind: str) -> str:
    tag = _TAGS.get(kind, "string")
    return f"<{tag} key={attribute(name)} value={attribute(written(value))}/>"
