"""The definitions that tests of this room go by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from metrics.definitions import Definitions, load

OURS = Path(__file__).parent / "definitions"


@pytest.fixture(scope="session")
def shipped() -> Definitions:
    """What Threadline ships."""
    return load()


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """The shipped ones, and a journey that uses the rest of the language."""
    return load(OURS)


@pytest.fixture(scope="session")
def change_order() -> Definitions:
    """Nothing but the journey that uses the rest of the language."""
    whole = load(OURS)
    return replace(whole, journeys={"change-order": whole.journeys["change-order"]})
