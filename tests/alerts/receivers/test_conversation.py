"""An incident from page to end, through the outbox to receivers that remember what they said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mail_server import mail_server
from recording_peer import Peer, peer

from alerts import policy
from alerts.receivers.variables import Variables
from alerts.service import AlertsService
from threadline.model.incidents import Briefing

POLICY = """\
policy: default
rules: [{{when: case-deadline}}]
escalation:
  - {{after: 0s, receivers: [channel, desk, mail]}}
  - {{after: 15m, receivers: [channel, desk, mail]}}
receivers:
  channel: {{type: slack, url: "{slack}/api/chat.postMessage", token: "${{env:KEY}}", channel: C1}}
  desk: {{type: jira, url: "{jira}", token: "${{env:KEY}}", project: OPS, resolve_transition: Done}}
  mail:
    {{type: email, host: localhost, port: {port}, security: none, sender: a@a.org, to: [b@a.org]}}
"""


@pytest.fixture
def slack() -> Iterator[Peer]:
    with peer(usual=(200, {"ok": True, "ts": "17.1"}, {})) as server:
        yield server


@pytest.fixture
def jira() -> Iterator[Peer]:
    offered = {"key": "OPS-7", "transitions": [{"id": "31", "name": "Done"}]}
    with peer(usual=(200, offered, {})) as server:
        yield server


@pytest.fixture
def mails():
    with mail_server() as server:
        yield server


@pytest.fixture
def told(desk, slack, jira, mails, tmp_path: Path):
    """The desk, with a policy that tells Slack, Jira and a mailbox."""
    text = POLICY.format(slack=slack.url, jira=jira.url, port=mails.port)
    (tmp_path / "default.yaml").write_text(text)
    desk.service.close()
    desk.service = AlertsService(
        desk.control,
        policy.load([tmp_path], Variables({}, {"KEY": "s3cret"}, tmp_path)),
        desk.clock,
        briefing=lambda incident: Briefing(title=incident.journey, next_moves=("replay it",)),
        links=lambda incident: {"incident": f"https://threadline.example/{incident.id}"},
    )
    return desk


def test_an_incident_is_one_thread_one_issue_and_one_conversation(told, slack, jira, mails):
    told.case(warn_at=None)
    told.at(hours=2)
    told.at(hours=2, minutes=15)
    told.service.acknowledge(told.incident().id, who="billing-primary")
    told.at(hours=2, minutes=16)
    told.service.resolve(told.incident().id, who="billing-primary")
    told.at(hours=2, minutes=17)

    threads = [request.json.get("thread_ts") for request in slack.received]
    assert threads == [None, "17.1", "17.1", "17.1"]
    asked = [
        (request.method, request.path.removeprefix("/rest/api/2")) for request in jira.received
    ]
    assert asked == [
        ("POST", "/issue"),
        ("GET", "/issue/OPS-7"),
        ("POST", "/issue/OPS-7/comment"),
        ("POST", "/issue/OPS-7/comment"),
        ("POST", "/issue/OPS-7/comment"),
        ("GET", "/issue/OPS-7/transitions"),
        ("POST", "/issue/OPS-7/transitions"),
    ]
    subjects = [mail["Subject"].split(":")[0] for mail in mails.mails]
    assert subjects == ["Breach", "Breach", "Acknowledged", "Resolved"]
    assert len({mail["References"] for mail in mails.mails}) == 1
