"""Writing OCEL 2.0 as XML, valid by the standard's XSD."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from collector.exports.logs import Event, Log, Related, Thing, Types, attribute, content, written


def write(log: Log, file: Path) -> None:
    """The whole of `log` into `file`, one event or object at a time."""
    with file.open("w", encoding="utf-8") as out:
        out.write("<?xml version='1.0' encoding='UTF-8'?>\n<log>\n")
        _types(out, "object-type", log.object_types)
        _types(out, "event-type", log.event_types)
        _all(out, "objects", map(_object, log.all_objects()))
        _all(out, "events", map(_event, log.all_events()))
        out.write("</log>\n")


def _all(out: TextIO, name: str, elements: Iterable[str]) -> None:
    out.write(f"<{name}>\n")
    out.writelines(f"{element}\n" for element in elements)
    out.write(f"</{name}>\n")


def _types(out: TextIO, name: str, types: Types) -> None:
    def element(kind: str, declared: Iterable[tuple[str, str]]) -> str:
        told = "".join(
            f"<attribute name={attribute(key)} type={attribute(value)}/>" for key, value in declared
        )
        return f"<{name} name={attribute(kind)}><attributes>{told}</attributes></{name}>"

    _all(out, f"{name}s", (element(kind, declared.items()) for kind, declared in types.items()))


def _object(thing: Thing) -> str:
    told = "".join(
        f"<attribute name={attribute(name)} time={attribute(time)}>{content(written(value))}"
        "</attribute>"
        for name, time, value in thing.attributes
    )
    return (
        f"<object id={attribute(thing.id)} type={attribute(thing.type)}>"
        f"<attributes>{told}</attributes>{_related(thing.objects)}</object>"
    )


def _event(event: Event) -> str:
    told = "".join(
        f"<attribute name={attribute(name)}>{content(written(value))}</attribute>"
        for name, value in event.attributes.items()
    )
    return (
        f"<event id={attribute(event.id)} type={attribute(event.type)}"
        f" time={attribute(event.time)}><attributes>{told}</attributes>"
        f"{_related(event.objects)}</event>"
    )


def _related(objects: Sequence[Related]) -> str:
    # The standard's own example has <relationship> here; its XSD wants <object> and a type.
    told = "".join(
        f"<object object-id={attribute(one.id)} qualifier={attribute(one.qualifier)}"
        f" type={attribute(one.type)}/>"
        for one in objects
    )
    return f"<objects>{told}</objects>"
