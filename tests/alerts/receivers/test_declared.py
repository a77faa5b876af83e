"""What policies say of receivers, and where their secrets come from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts import policy
from alerts.receivers.declared import Rate, ReceiverDefinition
from alerts.receivers.options import LogOptions, WebhookOptions
from alerts.receivers.variables import Variables
from threadline.cli import main
from threadline.errors import DefinitionErrors

FRAME = """\
policy: billing
rules: [{when: case-deadline}]
escalation: [{after: 0s, receivers: [pager]}]
receivers:
"""


def declare(tmp_path: Path, receivers: str, **environment: str) -> policy.Policies:
    """One policy with these receivers; secrets are files in tmp_path/secrets."""
    (tmp_path / "policies").mkdir(exist_ok=True)
    (tmp_path / "policies" / "billing.yaml").write_text(FRAME + receivers)
    variables = Variables({"webhook_url": None}, environment, tmp_path / "secrets")
    return policy.load([tmp_path / "policies"], variables)


def test_a_receiver_says_how_much_it_takes_and_who_is_told_instead(tmp_path):
    policies = declare(
        tmp_path,
        "  pager: {type: webhook, url: 'https://a.example/', timeout: 3s,"
        " rate: {limit: 20, per: 1m}, fallback: [book]}\n"
        "  book: {type: log}\n",
    )
    assert policies.receivers == (
        ReceiverDefinition(
            name="billing/pager",
            options=WebhookOptions(url="https://a.example/"),
            timeout=timedelta(seconds=3),
            rate=Rate(limit=20, per=timedelta(minutes=1)),
            fallback=("billing/book",),
        ),
        ReceiverDefinition(name="billing/book", options=LogOptions()),
    )


@pytest.mark.parametrize("source", ["env:PAGER", "file:pager"])
def test_a_secret_comes_from_the_environment_or_a_file_and_shows_nowhere(tmp_path, source):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pager").write_text("s3cret\n")
    receivers = f"  pager: {{type: webhook, url: 'https://a.example/${{{source}}}'}}\n"
    policies = declare(tmp_path, receivers, PAGER="s3cret")
    (receiver,) = policies.receivers
    assert receiver.options == WebhookOptions(url="https://a.example/s3cret")
    assert "s3cret" not in repr(policies)


def test_a_receiver_without_its_secret_is_left_out_wherever_it_is_named(tmp_path):
    policies = declare(
        tmp_path,
        "  pager: {type: webhook, url: 'https://a.example/${env:PAGER}${file:more}'}\n"
        "  book: {type: log, fallback: [pager]}\n",
    )
    assert policies.left_out == {"billing/pager": ("env:PAGER", "file:more")}
    (book,) = policies.receivers
    assert book.fallback == ()
    assert policies.escalations["billing"].steps[0].receivers == ()


@pytest.mark.parametrize(
    ("receiver", "rule"),
    [
        ("{type: webhook, url: 'https://a.example/', secret: '${env:PAGER}'}", "must be 'whsec_'"),
        ("{type: teams, url: '${env:PAGER}'}", "must be an http or https URL"),
        ("{type: apprise, url: '${env:PAGER}'}", "must be a URL that Apprise knows"),
    ],
)
def test_a_secret_of_another_form_is_refused_without_repeating_it(tmp_path, receiver, rule):
    with pytest.raises(DefinitionErrors, match=rule) as caught:
        declare(tmp_path, f"  pager: {receiver}\n", PAGER="hunter2")
    assert "hunter2" not in str(caught.value)


def test_check_says_who_is_not_told_for_want_of_a_secret(tmp_path, monkeypatch, capsys):
    (tmp_path / "policies").mkdir()
    policies = FRAME + "  pager: {type: webhook, url: '${env:THREADLINE_TEST_PAGER}'}\n"
    policies = policies.replace("case-deadline", "case-deadline, journeys: [contract-activation]")
    (tmp_path / "policies" / "billing.yaml").write_text(policies)
    monkeypatch.setenv("THREADLINE_DEFINITIONS_DIR", str(tmp_path))
    assert main(["check"]) == 0
    warned = capsys.readouterr().err
    assert "receiver billing/pager is left out" in warned
    assert "set env:THREADLINE_TEST_PAGER" in warned
