"""The rules that a definition breaks beyond its schema, gathered while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from threadline.definitions import Document
from threadline.errors import DefinitionError


class Faults:
    """`found` are the faults of one document, in the order they were found."""

    def __init__(self, document: Document) -> None:
        self.found: list[DefinitionError] = []
        self._document = document

    def add(self, path: Sequence[str | int], rule: str) -> None:
        """What stands at `path` breaks `rule`."""
        self.found.append(self._document.error(path, rule))

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """A `ValueError` raised within is a fault of `path`; what follows it there is left out."""
        try:
            yield
        except ValueError as error:
            self.add(path, str(error))
