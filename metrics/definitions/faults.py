"""Collecting broken rules, so that one load names them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from threadline.definitions import Document
from threadline.errors import DefinitionError, DefinitionErrors


class Faults:
    """Broken rules so far."""

    def __init__(self) -> None:
        self._errors: list[DefinitionError] = []

    def add(self, document: Document, path: Iterable[str | int], rule: str) -> None:
        """Another one, at `path` of `document`."""
        self._errors.append(document.error(path, rule))

    @contextmanager
    def at(self, document: Document, *path: str | int) -> Iterator[None]:
        """A `ValueError` raised within becomes the fault of this place and ends the block."""
        try:
            yield
        except ValueError as error:
            self.add(document, path, str(error))

    @contextmanager
    def collected(self) -> Iterator[None]:
        """`DefinitionErrors` raised within are kept and end the block."""
        try:
            yield
        except DefinitionErrors as error:
            self._errors += error.errors

    def raise_any(self) -> None:
        """Raise `DefinitionErrors` if there was any fault."""
        if self._errors:
            raise DefinitionErrors(self._errors)
