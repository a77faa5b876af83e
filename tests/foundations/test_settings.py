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
        ("THREADLINE_TLS", '{"certificate": "missing.pem"}', "certificate and key go together"),
        ("THREADLINE_ACCESS__OIDC__ISSUER", "http://login.example.test", "access.oidc.issuer"),
        ("THREADLINE_ACCESS__REDACT", '{"boss": ["*"]}', "access.redact"),
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


def test_an_issuer_needs_the_name_it_knows_us_by():
    with pytest.raises(SettingsError, match=r"access\.oidc.*needs client_id"):
        settings.load(access={"oidc": {"issuer": "https://login.example.test"}})


def test_what_other_machines_reach_is_known_by_its_setting():
    loaded = settings.load(
        api={"listen": "0.0.0.0:1"}, intake={"http": "[::1]:2", "grpc": "[::]:3"}
    )

    assert loaded.exposed == {"api.listen": "0.0.0.0:1", "intake.grpc": "[::]:3"}


def test_an_unknown_key_is_refused(tmp_path: Path):
    file = tmp_path / "threadline.yaml"
    file.write_text("api: {lisen: '127.0.0.1:7001'}\n")

    with pytest.raises(SettingsError, match=r"api\.lisen"):
        settings.load(file)


def test_a_settings_file_that_is_asked_for_must_exist(tmp_path: Path):
    with pytest.raises(SettingsError, match="does not exist"):
        settings.load(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"to": ["cfo"]}, "summaries.0.to.0.*'cfo' is not a mail address"),
        ({"to": ["a@b.example\r\nBcc: c@d.example"]}, "is not a mail address"),
        ({"to": []}, "summaries.0.to"),
        ({"at": "7 o'clock"}, "summaries.0.at"),
        ({"name": "The board"}, "summaries.0.name"),
        ({"day": 31}, "summaries.0.day"),
        ({"contact": "the desk"}, "summaries.0.contact"),
    ],
)
def test_a_summary_at_fault_is_named_with_its_key(told: dict[str, object], said: str):
    with pytest.raises(SettingsError, match=said):
        settings.load(summaries=[{"name": "board", "to": ["cfo@example.com"], **told}])


def test_two_summaries_of_one_name_are_refused():
    one = {"name": "board", "to": ["cfo@example.com"]}

    with pytest.raises(SettingsError, match="two summaries are called board"):
        settings.load(summaries=[one, one])


def test_a_time_without_quotes_is_the_time_it_says(tmp_path: Path):
    file = tmp_path / "threadline.yaml"
    file.write_text("summaries: [{name: board, at: 18:30, to: [cfo@example.com]}]")

    assert settings.load(file).summaries[0].at == "18:30"


@pytest.mark.parametrize(
    ("smtp", "said"),
    [
        ({"host": "mail.example.com", "security": "none", "sender": "t@example.com"}, "loopback"),
        ({"host": "mail.example.com"}, "a host needs sender"),
        ({"host": "mail.example.com", "sender": "threadline"}, "is not a mail address"),
    ],
)
def test_a_mail_server_is_safe_and_whole(smtp: dict[str, str], said: str):
    with pytest.raises(SettingsError, match=said):
        settings.load(smtp=smtp)


def test_the_mail_password_is_not_shown():
    loaded = settings.load(smtp={"password": "s3cret"})

    assert "s3cret" not in repr(loaded)
