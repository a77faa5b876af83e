"""What systems call things."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Identifier:
    """One name of one business object: (object type, namespace, value), normalised."""

    object_type: str
    namespace: str
    value: str

    def __post_init__(self) -> None:
        if not (self.object_type and self.namespace and self.value):
            raise ValueError("an identifier needs an object type, a namespace and a value")

    def __str__(self) -> str:
        return f"{self.object_type}:{self.namespace}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Identifier:
        """The identifier written as `type:namespace:value`; the value may hold further colons."""
        parts = text.split(":", 2)
        if len(parts) != 3:
            raise ValueError(f"{text!r} is not of the form type:namespace:value")
        return cls(object_type=parts[0], namespace=parts[1], value=parts[2])
