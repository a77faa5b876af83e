"""Every example of docs/alerting.md is one that loads, and every kind of rule has one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import policy
from threadline import activation
from threadline.settings import Settings

DOCS = (Path(__file__).parents[2] / "docs" / "alerting.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)]


def whole(example: Any) -> dict[str, Any]:
    """A policy with the example in it, in the place of the shipped one."""
    rest: dict[str, Any] = {
        "policy": "default",
        "rules": [{"when": "case-deadline"}],
        "escalation": [{"after": "0s", "receivers": ["log"]}],
        "receivers": {"log": {"type": "log"}},
    }
    return rest | (example if isinstance(example, dict) else {"rules": example})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: str(one)[:40])
def test_an_example_loads_and_names_what_there_is(example: Any, tmp_path: Path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "default.yaml").write_text(yaml.safe_dump(whole(example)))
    assert activation.load(Settings(definitions_dir=tmp_path, data_dir=tmp_path)).policies.rules


def test_every_kind_of_rule_and_every_key_is_shown():
    rules = [rule for one in EXAMPLES for rule in whole(one)["rules"]]
    schema = json.loads(policy.SCHEMA.read_text(encoding="utf-8"))
    declared = schema["properties"]["rules"]["items"]["properties"]
    assert {rule["when"] for rule in rules} == set(declared["when"]["enum"])
    assert {key for rule in rules for key in rule} | {"steps"} == set(declared)
