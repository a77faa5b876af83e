"""Policy files: the shipped ones, and every way to get one wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts import policy
from alerts.receivers.options import WebhookOptions
from alerts.service import load_policies
from threadline.errors import DefinitionErrors
from threadline.settings import AlertsSettings

BAD = sorted(Path(__file__).with_name("bad_policies").glob("*.yaml"))


def test_the_shipped_policy_tells_at_once_and_again_after_a_quarter_of_an_hour():
    url = "https://hooks.example/T0/s3cret"
    policies = load_policies(AlertsSettings(webhook_url=url))
    first, second = policies.escalations["default"].steps
    assert (first.after.total_seconds(), second.after.total_seconds()) == (0, 900)
    assert first.receivers == second.receivers == ("default/log", "default/webhook")
    assert policies.receivers[1].options == WebhookOptions(url=url)
    assert "s3cret" not in repr(policies), "what is kept as a version holds no secret"


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_broken_policy_is_refused_with_line_key_and_rule(file: Path, tmp_path: Path):
    line, key, rule = file.read_text().splitlines()[0].removeprefix("# ").split(": ", 2)
    (tmp_path / file.name).write_text(file.read_text())
    with pytest.raises(DefinitionErrors) as caught:
        load_policies(AlertsSettings(), [tmp_path])
    (error, *_) = caught.value.errors
    assert (error.file.name, str(error.line), error.key or "(top)") == (file.name, line, key)
    assert rule in error.rule
    assert "hunter2" not in str(caught.value), "no secret in an error"


def test_a_wrong_url_in_the_settings_is_refused_without_repeating_it():
    with pytest.raises(DefinitionErrors, match="must be an http or https URL") as caught:
        load_policies(AlertsSettings(webhook_url="hooks.example/s3cret"))
    assert "s3cret" not in str(caught.value)


def test_a_file_of_the_same_name_replaces_the_shipped_one(tmp_path: Path):
    (tmp_path / "default.yaml").write_text(
        "policy: default\n"
        "rules: [{when: case-deadline}]\n"
        "escalation: [{after: 5m, receivers: [log]}]\n"
        "receivers: {log: {type: log}}\n"
    )
    policies = policy.load([policy.SHIPPED, tmp_path], {"webhook_url": None})
    assert [rule.on for rule in policies.rules] == ["case-deadline"]
