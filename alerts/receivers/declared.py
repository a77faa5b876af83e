"""Receivers as a policy declares them: read, their variables filled in, and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from alerts.durations import duration
from alerts.receivers import signatures
from alerts.receivers.options import BY_TYPE, KEEP_INCIDENTS, Options
from threadline.definitions import Document
from threadline.errors import DefinitionError

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_OF_EVERY_TYPE = frozenset({"type", "timeout", "rate", "fallback"})

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """At most `limit` notifications `per` that time."""

    limit: int
    per: timedelta


@dataclass(frozen=True, kw_only=True)
class ReceiverDefinition:
    """Where notifications go; secrets are filled in and show in no repr.

    `name` is `policy/name`, and so are those in `fallback`: whom to tell instead while this
    one cannot be reached, in order. No `rate` is no limit.
    """

    name: str
    options: Options
    timeout: timedelta = timedelta(seconds=10)
    rate: Rate | None = None
    fallback: tuple[str, ...] = ()

    @property
    def digests(self) -> bool:
        """Whether one message may tell it of several incidents."""
        return not isinstance(self.options, KEEP_INCIDENTS)

    @property
    def type(self) -> str:
        """As policies name it."""
        return next(name for name, kind in BY_TYPE.items() if isinstance(self.options, kind))


def receivers(document: Document, variables: Mapping[str, str | None]) -> list[ReceiverDefinition]:
    """Those of one policy that have all their variables."""
    out = left_out(document, variables)
    there = [name for name in _declared(document) if _qualified(document, name) not in out]
    return [_definition(document, name, there, variables) for name in there]


def left_out(document: Document, variables: Mapping[str, str | None]) -> dict[str, tuple[str, ...]]:
    """The receivers (`policy/name`) that lack variables, and which; a setting with its section."""
    missing = {
        name: tuple(
            variable if ":" in variable else f"alerts.{variable}"
            for _, variable in _named(receiver, ())
            if variables.get(variable) is None
        )
        for name, receiver in _declared(document).items()
    }
    return {_qualified(document, name): lacking for name, lacking in missing.items() if lacking}


def faults(document: Document, variables: Mapping[str, str | None]) -> Iterator[DefinitionError]:
    """What no schema can say: unknown variables, addresses that are none, circles of fallbacks."""
    for name, receiver in _declared(document).items():
        yield from _variable_faults(document, name, receiver, variables)
        yield from _address_faults(document, name, receiver, variables)
        yield from _fallback_faults(document, name)


def _declared(document: Document) -> Mapping[str, Mapping[str, Any]]:
    declared: Mapping[str, Mapping[str, Any]] = document.content["receivers"]
    return declared


def _qualified(document: Document, name: str) -> str:
    return f"{document.content['policy']}/{name}"


def _definition(
    document: Document, name: str, there: list[str], variables: Mapping[str, str | None]
) -> ReceiverDefinition:
    receiver = _declared(document)[name]
    given = {
        key: _filled(value, variables)
        for key, value in receiver.items()
        if key not in _OF_EVERY_TYPE
    }
    rate = receiver.get("rate")
    return ReceiverDefinition(
        name=_qualified(document, name),
        options=BY_TYPE[receiver["type"]](**given),
        timeout=duration(receiver.get("timeout", "10s")),
        rate=Rate(limit=rate["limit"], per=duration(rate["per"])) if rate else None,
        fallback=tuple(
            _qualified(document, other) for other in receiver.get("fallback", ()) if other in there
        ),
    )


def _named(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every variable within `value`, and where."""
    if isinstance(value, str):
        yield from ((path, variable) for variable in _VARIABLE.findall(value))
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _named(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _named(part, (*path, index))


def _filled(value: Any, variables: Mapping[str, str | None]) -> Any:
    """`value` with its variables, which are all there, filled in; lists become tuples."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: variables[found[1]] or "", value)
    if isinstance(value, Mapping):
        return {key: _filled(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return tuple(_filled(part, variables) for part in value)
    return value


def _variable_faults(
    document: Document,
    name: str,
    receiver: Mapping[str, Any],
    variables: Mapping[str, str | None],
) -> Iterator[DefinitionError]:
    for path, variable in _named(receiver, ("receivers", name)):
        if variable not in variables:
            known = ", ".join([*sorted(variables), "env:NAME", "file:NAME"])
            yield document.error(path, f"no variable is called {variable!r} (known: {known})")


def _address_faults(
    document: Document,
    name: str,
    receiver: Mapping[str, Any],
    variables: Mapping[str, str | None],
) -> Iterator[DefinitionError]:
    for path, written, rule in _promised(receiver):
        if any(variables.get(variable) is None for _, variable in _named(written, ())):
            continue
        if (broken := rule(_filled(written, variables))) is not None:
            yield document.error(("receivers", name, *path), broken)


def _promised(
    receiver: Mapping[str, Any],
) -> Iterator[tuple[Path, str, Callable[[str], str | None]]]:
    """What has to have a form once its variables are filled in; rules never repeat the value."""
    if "url" in receiver:
        yield ("url",), receiver["url"], _apprise if receiver["type"] == "apprise" else _web
    for index, url in enumerate(receiver.get("urls", ())):
        yield ("urls", index), url, _web
    secrets = receiver.get("secret", [])
    if isinstance(secrets, str):
        yield ("secret",), secrets, _signing
    else:
        yield from ((("secret", index), one, _signing) for index, one in enumerate(secrets))


def _web(url: str) -> str | None:
    return None if _is_web(url) else "must be an http or https URL once variables are filled in"


def _apprise(url: str) -> str | None:
    # Its hundred services take a second to import; most deployments need none.
    from alerts.receivers.apprise_urls import known

    return None if known(url) else "must be a URL that Apprise knows once variables are filled in"


def _signing(secret: str) -> str | None:
    try:
        signatures.key(secret)
    except ValueError as error:
        return str(error)
    return None


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _fallback_faults(document: Document, name: str) -> Iterator[DefinitionError]:
    declared = _declared(document)
    for index, other in enumerate(declared[name].get("fallback", ())):
        path = ("receivers", name, "fallback", index)
        if other not in declared:
            yield document.error(path, f"{other!r} is not among this policy's receivers")
        elif name in _reached(declared, other):
            yield document.error(path, f"comes back to {name!r}: nobody would be told")


def _reached(declared: Mapping[str, Mapping[str, Any]], start: str) -> set[str]:
    """`start` and all that fallbacks lead to from there."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in declared:
            reached.add(name)
            waiting += declared[name].get("fallback", ())
    return reached
