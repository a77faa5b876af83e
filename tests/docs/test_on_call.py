"""What the guide to on-call shows is what Threadline takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from alerts import silences
from alerts.duty import loading as duty
from alerts.maintenance import loading as maintenance
from threadline.model.silences import LABELS, Matcher

GUIDE = (Path(__file__).parents[2] / "docs" / "on-call.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_every_definition_in_it_is_sound(block: str, tmp_path: Path):
    (tmp_path / "shown.yaml").write_text(block)
    if block.startswith("rota:"):
        assert duty.load([tmp_path], {"default/webhook", "default/log"}).by_name
    else:
        assert maintenance.load([tmp_path]).all


def test_both_kinds_are_shown():
    assert {block.split(":")[0] for block in BLOCKS} == {"rota", "maintenance"}


def test_the_silence_in_it_makes_sense_and_all_labels_are_named():
    asked = json.loads(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])
    matchers = [Matcher(**one) for one in asked["matchers"]]

    assert list(silences.of_matchers(matchers)) == []
    assert [label for label in LABELS if f"`{label}`" not in GUIDE] == []


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE))
def test_what_is_linked_exists(link: str):
    assert (Path(__file__).parents[2] / "docs" / link).exists()
