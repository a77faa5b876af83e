"""A control store on SQLite, with a clock that is moved by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from openid_provider import Provider, openid_provider

from threadline.access import TokenBook, mint
from threadline.clock import FixedClock, SystemClock
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore

Minted = Callable[..., str]


@pytest.fixture
def clock() -> FixedClock:
    """It stands at the machine's present: a provider's tokens are of the present."""
    return FixedClock(SystemClock().now())


@pytest.fixture
def control(tmp_path: Path, clock: FixedClock, migrated_file: Path) -> Iterator[ControlStore]:
    file = shutil.copyfile(migrated_file, tmp_path / "control.sqlite")
    store = ControlStore.open(ControlSettings(path=file), clock)
    yield store
    store.close()


@pytest.fixture
def book(control: ControlStore, clock: FixedClock) -> TokenBook:
    return TokenBook(control, clock)


@pytest.fixture
def minted(control: ControlStore, clock: FixedClock) -> Minted:
    """Makes and stores a token; its text."""

    def make(name: str = "exporter", days: float = 1, **scopes: object) -> str:
        scopes = {"roles": (), "sources": ()} | scopes
        lifetime = timedelta(days=days)
        token, text = mint(name, lifetime=lifetime, who="ana", now=clock.now(), **scopes)
        control.tokens.add(token)
        return text

    return make


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid_provider() as running:
        yield running
