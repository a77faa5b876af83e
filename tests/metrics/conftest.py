"""The definitions that tests of this room go by."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.definitions import Definitions, load


@pytest.fixture(scope="session")
def shipped() -> Definitions:
    """What Threadline ships."""
    return load()


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """The shipped ones, and a journey that uses the rest of the language."""
    return load(Path(__file__).parent / "definitions")
