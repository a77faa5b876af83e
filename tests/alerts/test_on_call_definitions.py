"""Files of rotas and maintenance windows: the examples, and every way to get one wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alerts.duty import loading as duty
from alerts.maintenance import loading as maintenance
from threadline.errors import DefinitionErrors

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "on-call"
RECEIVERS = {"default/webhook", "default/log"}


@pytest.mark.parametrize("file", sorted((HERE / "bad_rotas").glob("*.yaml")), ids=lambda f: f.stem)
def test_a_broken_rota_is_refused_with_line_key_and_rule(file: Path, tmp_path: Path):
    _refused(file, tmp_path, lambda: duty.load([tmp_path], RECEIVERS))


@pytest.mark.parametrize(
    "file", sorted((HERE / "bad_maintenance").glob("*.yaml")), ids=lambda f: f.stem
)
def test_a_broken_window_is_refused_with_line_key_and_rule(file: Path, tmp_path: Path):
    _refused(file, tmp_path, lambda: maintenance.load([tmp_path]))


def test_two_of_a_name_are_refused(tmp_path: Path):
    for name in ("a.yaml", "b.yaml"):
        shutil.copy(EXAMPLES / "rotas" / "billing.yaml", tmp_path / name)
    with pytest.raises(DefinitionErrors, match=r"b\.yaml:2: rota: is already the name of another"):
        duty.load([tmp_path], RECEIVERS)
    for name in ("a.yaml", "b.yaml"):
        shutil.copy(EXAMPLES / "maintenance" / "move.yaml", tmp_path / name)
    with pytest.raises(DefinitionErrors, match=r"b\.yaml:1: maintenance: is already the name"):
        maintenance.load([tmp_path])


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path):
    for file in (HERE / "bad_rotas").glob("*.yaml"):
        shutil.copy(file, tmp_path)
    with pytest.raises(DefinitionErrors) as caught:
        duty.load([tmp_path], RECEIVERS)
    told = {error.file.name for error in caught.value.errors}
    assert told >= {file.name for file in (HERE / "bad_rotas").glob("*.yaml")}


def test_what_is_kept_as_a_version_holds_the_calendar_and_no_path():
    contents = duty.load([EXAMPLES / "rotas"], RECEIVERS).contents
    assert "ical" not in contents["revenue"]
    assert contents["revenue"]["calendar"].startswith("BEGIN:VCALENDAR")
    assert json.loads(json.dumps(contents)) == contents


def test_a_file_of_the_same_name_replaces_an_earlier_one(tmp_path: Path):
    raw = (EXAMPLES / "rotas" / "billing.yaml").read_text()
    (tmp_path / "billing.yaml").write_text(
        raw.replace("turn: weekly", "turn: 14d").replace("weekday: monday, ", "")
    )
    rotas = duty.load([EXAMPLES / "rotas", tmp_path], RECEIVERS).by_name
    assert rotas["billing"].layers[0].days == 14


def _refused(file: Path, directory: Path, load):
    line, key, rule = file.read_text().splitlines()[0].removeprefix("# ").split(": ", 2)
    shutil.copy(file, directory)
    with pytest.raises(DefinitionErrors) as caught:
        load()
    (error, *_) = caught.value.errors
    assert (error.file.name, str(error.line), error.key or "(top)") == (file.name, line, key)
    assert rule in error.rule
