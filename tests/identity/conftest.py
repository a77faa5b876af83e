"""The shipped mapping, for tests of identity."""

from __future__ import annotations

import pytest

from collector.mapping import Mapping, load


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    return load()
