"""Requests by hand, and decoding them under the shipped mapping."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.decode import Decoded, decode
from collector.mapping import Mapping, load
from threadline.model.entries import Logged
from threadline.store.telemetry import Telemetry

WANTED = frozenset(["contract.value", "contract.region", "actor.type", "error.message"])

Decode = Callable[..., Decoded]


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    return load()


@pytest.fixture
def decoded(telemetry: Telemetry, mapping: Mapping) -> Decode:
    """Decode entries, under another mapping if one is given."""

    def run(*entries: Logged, under: Mapping = mapping) -> Decoded:
        return decode(entries, under, WANTED, 1, telemetry)

    return run
