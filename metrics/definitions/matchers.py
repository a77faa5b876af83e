"""The short and the long ways to write which facts are meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threadline.model.matching import (
    SELF_AND_DESCENDANTS,
    Comparison,
    Matcher,
    Outcome,
    Path,
    Predicate,
)


def matchers(raw: Any, outcome: Outcome = "success") -> tuple[Matcher, ...]:
    """`raw` is a name, a mapping, or a list of these; `outcome` is what goes without saying."""
    return tuple(_matcher(one, outcome) for one in _listed(raw))


def predicates(raw: Mapping[str, Any]) -> tuple[Predicate, ...]:
    """`attribute: value` or `attribute: [values]`, as text."""
    return tuple(
        Predicate(attribute=name, values=tuple(_text(value) for value in _listed(values)))
        for name, values in raw.items()
    )


def comparison(raw: Mapping[str, Any] | None) -> Comparison | None:
    """`{with: step, equal: {attribute: attribute of the step's fact}}`, or `unequal`."""
    if raw is None:
        return None
    equal = "equal" in raw
    pairs = raw["equal" if equal else "unequal"]
    return Comparison(step=raw["with"], equal=equal, pairs=tuple(pairs.items()))


def _matcher(raw: Any, outcome: Outcome) -> Matcher:
    if isinstance(raw, str):
        return Matcher(names=(raw,), outcome=outcome)
    paths = tuple(_path(path) for path in _listed(raw.get("path", [])))
    return Matcher(
        names=tuple(_listed(raw["name"])),
        systems=tuple(_listed(raw.get("system", []))),
        kind=raw.get("kind", "any"),
        outcome=raw.get("outcome", outcome),
        where=predicates(raw.get("where", {})),
        paths=paths or SELF_AND_DESCENDANTS,
        object_type=raw.get("object", ""),
    )


def _path(raw: Any) -> Path:
    if isinstance(raw, str):
        return Path(kind=raw)  # type: ignore[arg-type]  # the schema allows no other
    return Path(kind="relation", relation=raw["relation"], backwards=raw.get("backwards", False))


def _listed(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else [raw]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
