"""Every example of docs/receivers.md is one that loads, and is built."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import yaml
from control_databases import NOON

from alerts import policy
from alerts.receivers.building import build
from alerts.receivers.options import BY_TYPE
from alerts.receivers.variables import Variables
from threadline.clock import FixedClock

DOCS = (Path(__file__).parents[2] / "docs" / "receivers.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
SIGNING = "whsec_" + base64.b64encode(b"k" * 24).decode()
ENVIRONMENT = {
    "HOOK_SECRET": SIGNING,
    "HOOK_SECRET_BEFORE": SIGNING,
    "OPSGENIE_KEY": "key",
    "JIRA_TOKEN": "token",
    "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/x",
    "NTFY_TOPIC": "topic",
}
FILES = {
    "pagerduty-key": "k" * 32,
    "servicenow-password": "password",
    "slack-token": "xoxb-token",
    "teams-workflow": "https://flow.example.org/workflows/x",
    "mail-password": "password",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split(":")[0])
def test_an_example_loads_and_is_built(example: str, tmp_path: Path):
    declared = yaml.safe_load(example)
    whole = {
        "policy": "billing",
        "rules": [{"when": "case-deadline"}],
        "escalation": [{"after": "0s", "receivers": sorted(declared)}],
        "receivers": declared,
    }
    (tmp_path / "billing.yaml").write_text(yaml.safe_dump(whole))
    for name, content in FILES.items():
        (tmp_path / name).write_text(f"{content}\n")
    policies = policy.load([tmp_path], Variables({}, ENVIRONMENT, tmp_path))
    assert {one.name for one in policies.receivers} == {f"billing/{name}" for name in declared}
    for definition in policies.receivers:
        build(definition, FixedClock(NOON)).close()


def test_every_type_has_an_example():
    shown = {one["type"] for text in EXAMPLES for one in yaml.safe_load(text).values()}
    assert shown == set(BY_TYPE)
