"""`threadline check` over rotas and maintenance."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from threadline import activation
from threadline.cli import main
from threadline.settings import load
from threadline.store.control import ControlStore

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Definitions with the examples, not the one that begins in the year of writing."""
    shutil.copytree(EXAMPLES, tmp_path / "definitions")
    file = tmp_path / "threadline.yaml"
    file.write_text(f"data_dir: {tmp_path}/data\ndefinitions_dir: {tmp_path}/definitions\n")
    return file


def test_sound_ones_are_counted_and_nobody_is_missing(settings: Path, capsys):
    assert main(["--settings", str(settings), "check"]) == 0

    told = capsys.readouterr()
    assert "3 rotas, 3 maintenance windows" in " ".join(told.out.split())
    assert "nobody is on duty" not in told.err


def test_an_hour_at_which_nobody_is_on_duty_is_warned_of(settings: Path, capsys):
    rota = settings.parent / "definitions" / "rotas" / "billing.yaml"
    rota.write_text(
        rota.read_text().replace(
            "    turn: weekly", '    turn: weekly\n    hours: {from: "09:00", to: "17:00"}'
        )
    )
    assert main(["--settings", str(settings), "check"]) == 0
    assert "warning: rota billing: nobody is on duty at " in capsys.readouterr().err


def test_faults_of_every_kind_are_told_together_and_nothing_starts(settings: Path, capsys):
    places = settings.parent / "definitions"
    for kind, name in (("rotas", "billing"), ("maintenance", "move")):
        file = places / kind / f"{name}.yaml"
        file.write_text(file.read_text().replace("Europe/Berlin", "Europe/Bärlin"))
    assert main(["--settings", str(settings), "check"]) == 1

    said = capsys.readouterr().err
    assert "billing.yaml:4: zone: 'Europe/Bärlin' is not an IANA time zone" in said
    assert "move.yaml:4: zone: 'Europe/Bärlin' is not an IANA time zone" in said


def test_they_are_kept_as_versions(settings: Path, control: ControlStore):
    activation.activate(activation.load(load(settings)), control)

    assert set(control.definitions.active("rotas")) == {"billing", "integration", "revenue"}
    assert set(control.definitions.active("maintenance")) == {
        "erp-patches",
        "move",
        "weekly-backup",
    }
