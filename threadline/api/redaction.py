"""Attributes whose values a role does not see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from threadline.model.people import Role

HIDDEN = "(redacted)"


class Redaction:
    """Hides the values of attributes by the patterns of `roles`: what any of them sees is seen.

    Patterns match whole names, in any case; `*` and `?` stand for what they stand for in a shell.
    """

    def __init__(self, patterns: Mapping[Role, Collection[str]], roles: Collection[Role]) -> None:
        self._patterns = [
            tuple(pattern.lower() for pattern in patterns.get(role, ())) for role in roles
        ]
        self.active = bool(self._patterns) and all(self._patterns)

    def hides(self, name: str) -> bool:
        """Whether the values of the attribute `name` are hidden."""
        if not self.active:
            return False
        lower = name.lower()
        return all(
            any(fnmatchcase(lower, pattern) for pattern in patterns) for patterns in self._patterns
        )

    def applied(self, values: Mapping[str, Any], under: str = "") -> dict[str, Any]:
        """`values` with what is hidden replaced; inside objects a name is the path with dots."""
        if not self.active:
            return dict(values)
        return {name: self._shown(f"{under}{name}", value) for name, value in values.items()}

    def text(self, name: str, value: str) -> str:
        """`value` of the attribute `name`, if it may be seen."""
        return HIDDEN if value and self.hides(name) else value

    def _shown(self, path: str, value: Any) -> Any:
        if self.hides(path):
            return HIDDEN
        if isinstance(value, dict):
            return self.applied(value, f"{path}.")
        if isinstance(value, list):
            return [self._shown(path, item) for item in value]
        return value
