"""One chDB engine for the whole session, and an empty store for every test that asks for one."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry

pytest_plugins = ["control_databases"]

# The same examples every time, so that a failure is of what was changed; others are tried with
# `pytest --hypothesis-profile=others`. How long one takes says how busy the machine is.
settings.register_profile("threadline", deadline=None, derandomize=True)
settings.register_profile("others", deadline=None)
settings.load_profile("threadline")

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing here asks a stranger over TLS, and every HTTP client would read all the machine's
    authorities first, also in the services that are started: of these it finds one.
    """
    with pytest.MonkeyPatch.context() as environment:
        for one in ssl.create_default_context().get_ca_certs(binary_form=True)[:1]:
            file = tmp_path_factory.mktemp("authority") / "one.pem"
            file.write_text(ssl.DER_cert_to_PEM_cert(one))
            environment.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def kept_telemetry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telemetry]:
    """A store that tests use one after another; it keeps the engine open until the end."""
    directory = tmp_path_factory.mktemp("chdb") / "telemetry"
    store = Telemetry.open(TelemetrySettings(dir=directory, database="kept", durable=False))
    yield store
    store.close()


@pytest.fixture(scope="session")
def telemetry_dir(kept_telemetry: Telemetry) -> Path:
    """The only directory this process may open chDB over."""
    return kept_telemetry._settings.dir


@pytest.fixture
def telemetry_settings(telemetry_dir: Path) -> TelemetrySettings:
    """Settings of an embedded store with a database of its own."""
    database = f"test_{next(_numbers)}"
    return TelemetrySettings(dir=telemetry_dir, database=database, durable=False)


@pytest.fixture
def telemetry(kept_telemetry: Telemetry) -> Telemetry:
    """An empty store: emptying one takes a tenth of the time that making its tables takes."""
    kept_telemetry.reset()
    return kept_telemetry
