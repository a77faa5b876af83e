"""`threadline token` and `threadline audit`, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from threadline.cli import main

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Runs a command over a data directory of its own: exit code, output, complaints."""
    monkeypatch.setenv("THREADLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def test_a_token_is_shown_once_and_listed_without_its_secret(run):
    code, text, _ = run("token", "create", "erp exporter", "--source", "erp", "--days", "7")
    listed = run("token", "list", "--json")[1]

    assert code == 0
    assert text.startswith("tl_")
    assert text.strip().rpartition("_")[2] not in listed
    (token,) = json.loads(listed)
    assert (token["name"], token["sources"], token["state"]) == ("erp exporter", ["erp"], "live")
    assert "digest" not in token
    assert "send as erp" in run("token", "list")[1]


def test_revoking_says_what_became_of_it(run):
    made = json.loads(run("token", "create", "x", "--role", "admin", "--json")[1])

    assert run("token", "revoke", made["id"])[0] == 0
    assert json.loads(run("token", "list", "--json")[1])[0]["state"] == "revoked"
    code, _, complaint = run("token", "revoke", "nobody")
    assert code == 1
    assert "threadline token list" in complaint


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x",), "may do nothing"),
        (("x", "--source", "a b"), "--source"),
        (("x", "--source", "../etc"), "--source"),
        (("  ", "--source", "a"), "name"),
        (("x", "--role", "admin", "--days", "0"), "--days"),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(run, arguments, said):
    code, _, complaint = run("token", "create", *arguments)

    assert code == 2
    assert said in complaint
    assert json.loads(run("token", "list", "--json")[1]) == []


def test_an_export_of_the_audit_is_verified_and_a_changed_line_is_named(run, tmp_path: Path):
    for name in ("a", "b", "c"):
        run("token", "create", name, "--role", "admin")
    file = tmp_path / "audit.jsonl"
    head = json.loads(run("audit", "export", str(file), "--json")[1])["head"]
    assert run("audit", "verify", str(file), "--anchor", head)[0] == 0
    assert run("audit", "verify", "--anchor", head)[0] == 0
    assert run("audit", "export", "-")[1] == file.read_text()

    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace('"name": "b"', '"name": "z"'), lines[2]]))
    code, _, complaint = run("audit", "verify", str(file))
    assert code == 1
    assert "record 2" in complaint

    file.write_text("\n".join(lines[:2]))
    code, said, _ = run("audit", "verify", str(file), "--anchor", head, "--json")
    assert code == 1
    assert json.loads(said)["whole"] is False
    file.write_text("no JSON")
    assert run("audit", "verify", str(file))[0] == 2


def test_commands_that_need_the_service_say_how_to_be_let_in(run, monkeypatch):
    monkeypatch.setenv("THREADLINE_API__LISTEN", "127.0.0.1:1")

    assert run("kpis")[0] == 3
