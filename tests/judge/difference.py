"""Where the service tells something else than observable truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`subject` of a `kind`: what was expected, what was found, and by which facts and rule."""

    kind: str
    subject: str
    expected: str
    found: str
    story: str = ""

    def __str__(self) -> str:
        lines = [
            f"{self.kind} {self.subject}",
            f"  expected {self.expected}",
            f"  found    {self.found}",
        ]
        return "\n".join(lines + [f"  {line}" for line in self.story.splitlines()])


def compare(
    kind: str,
    expected: Mapping[Any, Any],
    found: Mapping[Any, Any],
    story: Callable[[Any], str] = lambda _: "",
) -> list[Difference]:
    """One difference for every key that both do not say the same of."""
    return [
        Difference(
            kind=kind,
            subject=_said(key),
            expected=_said(_unlike(expected.get(key, MISSING), found.get(key, MISSING))),
            found=_said(_unlike(found.get(key, MISSING), expected.get(key, MISSING))),
            story=story(key),
        )
        for key in sorted(expected.keys() | found.keys(), key=str)
        if expected.get(key, MISSING) != found.get(key, MISSING)
    ]


def _unlike(value: Any, other: Any) -> Any:
    """Of two rows only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {name: each for name, each in value.items() if other.get(name, MISSING) != each}
    return value


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, tuple):
        return " ".join(str(each) or "-" for each in value)
    return str(value)
