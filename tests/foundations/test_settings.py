from pathlib import Path

import pytest

from threadline import settings
from threadline.errors import SettingsError


def test_the_environment_stands_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "threadline.yaml"
    file.write_text("api: {listen: '127.0.0.1:7001'}\nintake: {http: '127.0.0.1:7002'}\n")
    monkeypatch.setenv("THREADLINE_INTAKE__HTTP", "127.0.0.1:7003")

    loaded = settings.load(file)

    assert loaded.api.listen == "127.0.0.1:7001"
    assert loaded.intake.http == "127.0.0.1:7003"


def test_paths_stand_under_the_data_directory(tmp_path: Path):
    loaded = settings.load(data_dir=tmp_path, log={"dir": Path("/elsewhere/log")})

    assert loaded.telemetry.dir == tmp_path / "telemetry"
    assert loaded.log.dir == Path("/elsewhere/log")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("THREADLINE_CONTROL__URL", "")

    assert settings.load().control.url is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("THREADLINE_LOG__QUEUE_BYTES", "many", "setting log.queue_bytes"),
        ("THREADLINE_API__LISTEN", "8080", "is not host:port"),
        ("THREADLINE_API__LISTEN", "0.0.0.0:8080", "reachable from outside"),
        ("THREADLINE_API__LISTEN", "example.org:8080", "reachable from outside"),
        ("THREADLINE_TELEMETRY__DATABASE", "x; drop", "telemetry.database"),
    ],
)
def test_a_setting_at_fault_is_named_with_its_variable(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as caught:
        settings.load()

    assert said in str(caught.value)
    assert variable in str(caught.value)


def test_an_unknown_key_is_refused(tmp_path: Path):
    file = tmp_path / "threadline.yaml"
    file.write_text("api: {lisen: '127.0.0.1:7001'}\n")

    with pytest.raises(SettingsError, match=r"api\.lisen"):
        settings.load(file)


def test_a_settings_file_that_is_asked_for_must_exist(tmp_path: Path):
    with pytest.raises(SettingsError, match="does not exist"):
        settings.load(tmp_path / "missing.yaml")
