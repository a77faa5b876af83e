"""Definition files: YAML held against a JSON Schema; errors name file, line, key and rule."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from yaml.composer import Composer

from threadline.errors import DefinitionError, DefinitionErrors

MOST_NODES = 100_000


class _TooMuch(Exception):
    """More values than any definition has."""


_Scanning: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # without libyaml, the slow one


class _Quick(Composer, _Scanning):  # type: ignore[misc]
    """Scans in C, ten times as quickly; composes in Python, because what is nested without end
    overflows the stack in C and is an error here.
    """

    def __init__(self, text: str) -> None:
        _Scanning.__init__(self, text)
        Composer.__init__(self)


@dataclass(frozen=True, kw_only=True)
class Document:
    """One parsed file: its content, where it came from, and the line of every key.

    `lines` maps a path such as `("steps", 0, "match")` to a 1-based line number.
    """

    file: Path
    content: Any
    lines: Mapping[tuple[str | int, ...], int]

    def error(self, path: Iterable[str | int], rule: str) -> DefinitionError:
        """An error at `path`, or at its nearest parent that has a line."""
        steps = tuple(path)
        known = steps
        while known and known not in self.lines:
            known = known[:-1]
        return DefinitionError(self.file, self.lines.get(known, 1), _dotted(steps), rule)


def read(file: Path, schema: Mapping[str, Any]) -> Document:
    """Parse `file` and hold it against `schema`; raises `DefinitionErrors` naming every fault."""
    document = parse(file)
    errors = faults(document, schema)
    if errors:
        raise DefinitionErrors(errors)
    return document


def faults(document: Document, schema: Mapping[str, Any]) -> list[DefinitionError]:
    """What `document` breaks of `schema`, in the order of lines."""
    found = [
        document.error(fault.absolute_path, _rule(fault))
        for fault in Draft202012Validator(schema).iter_errors(document.content)
    ]
    return sorted(found, key=lambda error: error.line)


def parse(file: Path) -> Document:
    """Parse one YAML file; raises `DefinitionErrors` when it cannot be read or is not YAML."""
    try:
        text = file.read_text(encoding="utf-8")
        content, lines = _understood(text)
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionErrors(
            [DefinitionError(file, 1, "", f"cannot be read: {error}")]
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        rule = f"is not valid YAML: {error.problem}"
        raise DefinitionErrors([DefinitionError(file, line, "", rule)]) from error
    except (_TooMuch, RecursionError) as error:
        rule = f"holds more than {MOST_NODES:,} values, aliases written out: use fewer of them"
        raise DefinitionErrors([DefinitionError(file, 1, "", rule)]) from error
    return Document(file=file, content=content, lines=lines)


def _understood(text: str) -> tuple[Any, Mapping[tuple[str | int, ...], int]]:
    try:
        return _parsed(_Quick(text))
    except yaml.YAMLError:
        return _parsed(yaml.SafeLoader(text))  # it knows better what is wrong, and where


def _parsed(loader: Any) -> tuple[Any, Mapping[tuple[str | int, ...], int]]:
    try:
        node = loader.get_single_node()
        lines = _lines_within(node, MOST_NODES)
        return None if node is None else loader.construct_document(node), lines
    finally:
        loader.dispose()


def files(*directories: Path) -> list[Path]:
    """The `*.yaml` files of several directories; a later directory replaces an earlier by name."""
    found: dict[str, Path] = {}
    for directory in directories:
        for file in sorted(directory.glob("*.yaml")):
            found[file.name] = file
    return [found[name] for name in sorted(found)]


def documents(
    found: Iterable[Path], schema_file: Path, errors: list[DefinitionError]
) -> Iterator[Document]:
    """Those of the files that can be read and keep a published schema; `errors` gets the rest."""
    rules = schema(schema_file)
    for file in found:
        try:
            yield read(file, rules)
        except DefinitionErrors as broken:
            errors += broken.errors


def schema(file: Path) -> Mapping[str, Any]:
    """A published JSON Schema."""
    loaded: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def _lines_within(node: yaml.Node | None, most: int) -> Mapping[tuple[str | int, ...], int]:
    """A few aliases of aliases may stand for more values than memory holds."""
    found: dict[tuple[str | int, ...], int] = {}
    for path, line in _lines(node, ()) if node is not None else ():
        if len(found) >= most:
            raise _TooMuch
        found[path] = line
    return found


def _lines(
    node: yaml.Node, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line + 1
            yield from (
                (deep, line)
                for deep, line in _lines(value, (*path, key.value))
                if deep != (*path, key.value)
            )
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*path, index))


def _rule(fault: Any) -> str:
    hint = fault.schema.get("description") if isinstance(fault.schema, dict) else None
    if hint and fault.schema.get("writeOnly"):
        return str(hint)  # the fault's own words would repeat a secret
    return f"{fault.message} ({hint})" if hint else str(fault.message)


def _dotted(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
