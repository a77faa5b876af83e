"""Every example of the guide to journeys loads, and means what the guide says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from metrics.definitions import load
from threadline.model.journeys import StuckReason
from threadline.wire.phrases import ANNOTATION

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "journeys.md").read_text()
EXAMPLES = re.findall(r"```yaml\n# ([^\n]+)\n(.*?)```", GUIDE, re.DOTALL)
PARTS = {title.removeprefix("part: "): text for title, text in EXAMPLES if "part:" in title}


def written(tmp_path: Path, content: dict) -> Path:
    """A definitions directory with the guide's journey, some of its keys replaced."""
    whole = yaml.safe_load(dict(EXAMPLES)["journeys/order-fulfilment.yaml"])
    (tmp_path / "journeys").mkdir()
    file = tmp_path / "journeys" / "order-fulfilment.yaml"
    file.write_text(yaml.safe_dump(whole | content))
    return tmp_path


def test_there_are_examples():
    assert len(EXAMPLES) == GUIDE.count("```yaml") == len(PARTS) + 1


def test_the_least_journey_loads(tmp_path):
    journey = load(written(tmp_path, {})).journeys["order-fulfilment"]
    assert [step.after for step in journey.steps] == [(), ("confirmed",)]
    assert [path.kind for path in journey.step("sent").match[0].paths] == ["descendant"]


@pytest.mark.parametrize("part", sorted(set(PARTS) - {"match"}))
def test_a_part_loads_in_a_journey(tmp_path, part):
    content = yaml.safe_load(PARTS[part])
    content.setdefault("dimensions", {"region": "contract.region"})
    if "exceptions" in content:  # they speak of steps
        content |= yaml.safe_load(PARTS["steps"])
    assert load(written(tmp_path, content)).journeys["order-fulfilment"]


def test_matchers_of_the_guide_load(tmp_path):
    step = yaml.safe_load(dict(EXAMPLES)["journeys/order-fulfilment.yaml"])["steps"][0]
    content = {"steps": [step | yaml.safe_load(PARTS["match"])]}
    matchers = load(written(tmp_path, content)).journeys["order-fulfilment"].steps[0].match
    assert [matcher.kind for matcher in matchers] == ["any", "span"]
    assert matchers[1].outcome == "ok"


def test_the_guide_names_every_reason_to_be_stuck():
    reasons = set(re.findall(r"^\| `([a-z-]+)` \|", GUIDE, re.MULTILINE))
    assert reasons >= set(get_args(StuckReason)) - {""}


def test_the_guide_and_the_pages_name_every_annotation():
    listed = GUIDE.split("| annotation | what |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", listed, re.MULTILINE) == list(ANNOTATION)


def test_the_order_journey_of_the_examples_loads():
    assert "order-fulfilment" in load(ROOT / "examples" / "order-management").journeys
