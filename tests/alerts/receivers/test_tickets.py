"""Tickets: one per incident, commented while it lasts, resolved with it, never two by a crash."""

from __future__ import annotations

import pytest
from notifications import notification
from recording_peer import peer
from vendor_schemas import jira, servicenow

SYS_ID = "9d385017c611228701d22104cc95c371"
GROUP = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def desk(receiver):
    record = (201, {"result": {"sys_id": SYS_ID, "number": "INC0010001"}}, {})
    with peer(usual=record, schemas=servicenow(SYS_ID, "gone")) as server:
        options = {"url": server.url, "user": "threadline", "password": "s3cret"}
        yield server, receiver("servicenow", **options, fields={"assignment_group": GROUP})


def test_a_record_is_opened_noted_and_resolved(desk):
    server, tickets = desk
    opened = tickets.deliver(notification(severity="failure"))
    assert opened.reference == SYS_ID
    for kind in ("page", "update", "resolved"):
        assert tickets.deliver(notification(kind, reference=SYS_ID)).reference == SYS_ID
    create, look, again, note, over = server.received
    assert create.json["assignment_group"] == GROUP
    assert (create.json["correlation_id"], create.json["urgency"]) == ("inc-7", "1")
    assert "1. replay the project request" in create.json["description"]
    assert (look.method, look.path) == ("GET", again.path)
    assert (again.method, again.path.rpartition("/")[2]) == ("PATCH", SYS_ID)
    assert set(note.json) == {"work_notes"}
    assert over.json["state"] == "6"
    assert over.json["close_notes"].startswith("Resolved: ")


def test_a_page_that_may_have_come_before_is_looked_for_first(desk):
    server, tickets = desk
    server.answers = [(200, {"result": [{"sys_id": SYS_ID, "correlation_id": "inc-7"}]}, {})]
    assert tickets.deliver(notification(repeat=True)).reference == SYS_ID
    look, _, note = server.received
    ours, newest = "correlation_id=inc-7^active=true", "^ORDERBYDESCsys_created_on"
    assert look.query["sysparm_query"] == ours + newest
    assert note.method == "PATCH"


@pytest.mark.parametrize("found", [[], [{"sys_id": SYS_ID, "correlation_id": ""}], None])
def test_a_record_that_is_not_ours_is_left_alone(found, desk):
    """A table without correlation_id ignores the condition and gives whatever it has."""
    server, tickets = desk
    server.answers = [(200, {"result": found}, {})]
    tickets.deliver(notification(repeat=True))
    assert [one.method for one in server.received] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("record", "opened"),
    [
        ({"active": "true", "state": "2"}, False),
        ({"active": "true", "state": "6"}, True),
        ({"active": "false", "state": "7"}, True),
        ({}, False),
    ],
)
def test_a_page_opens_another_record_where_nobody_works_on_the_first(record, opened, desk):
    server, tickets = desk
    server.answers = [(200, {"result": record}, {})]
    assert tickets.deliver(notification(reference=SYS_ID)).delivered
    assert server.received[-1].method == ("POST" if opened else "PATCH")


def test_a_page_whose_record_is_gone_opens_another_and_news_of_it_do_not(desk):
    server, tickets = desk
    server.answers = [(404, {"error": {"message": "No Record found"}}, {})]
    assert tickets.deliver(notification(reference="gone")).reference == SYS_ID
    server.answers = [(404, {}, {})]
    assert tickets.deliver(notification("update", reference="gone")).reason == "status 404"
    assert tickets.deliver(notification("resolved")).reason == "no ticket of this incident is known"


def test_a_page_of_a_sleeping_instance_is_no_record(desk):
    server, tickets = desk
    server.usual = (200, "<html>Your instance is hibernating</html>", {})
    outcome = tickets.deliver(notification())
    assert (outcome.delivered, outcome.reason, outcome.retry) == (
        False,
        "no record in the answer",
        True,
    )


@pytest.fixture
def site(receiver):
    with peer(usual=(201, {"id": "1", "key": "OPS-7"}, {}), schemas=jira("OPS-7")) as server:
        options = {"url": server.url, "user": "bot@example.org", "token": "t0ken"}
        yield server, receiver("jira", **options, project="OPS", resolve_transition="Done")


def test_an_issue_is_opened_commented_and_goes_through_its_transition(site):
    server, tickets = site
    assert tickets.deliver(notification()).reference == "OPS-7"
    assert tickets.deliver(notification("update", reference="OPS-7")).reference == "OPS-7"
    offered = [{"id": "11", "name": "To Do"}, {"id": "31", "name": "done"}]
    server.answers = [(201, {"id": "2"}, {}), (200, {"transitions": offered}, {}), (204, "", {})]
    assert tickets.deliver(notification("resolved", reference="OPS-7")).reference == "OPS-7"
    fields = server.received[0].json["fields"]
    assert fields["labels"] == ["threadline", "threadline-inc-7"]
    assert fields["summary"].startswith("Breach: C-1:")
    assert server.received[-1].json == {"transition": {"id": "31"}}
    assert server.received[0].headers["authorization"].startswith("Basic ")


def test_an_issue_somebody_has_resolved_by_hand_is_commented_alone(site):
    server, tickets = site
    server.answers = [
        (201, {"id": "2"}, {}),
        (200, {"transitions": [{"id": "1", "name": "Reopen"}]}, {}),
    ]
    assert tickets.deliver(notification("resolved", reference="OPS-7")).delivered
    assert [one.method for one in server.received] == ["POST", "GET"]


@pytest.mark.parametrize("cloud", [True, False])
def test_an_issue_that_may_be_there_is_looked_for_on_cloud_and_data_center(cloud, site):
    server, tickets = site
    found = (200, {"issues": [{"key": "OPS-7"}]}, {})
    server.answers = [found] if cloud else [(404, {}, {}), found]
    assert tickets.deliver(notification(repeat=True)).reference == "OPS-7"
    ours = 'project = "OPS" AND labels = "threadline-inc-7"'
    assert server.received[-3].query["jql"] == f"{ours} ORDER BY created DESC"
    assert server.received[-1].path.endswith("/OPS-7/comment")


@pytest.mark.parametrize(
    ("looked", "path"),
    [
        (
            (200, {"fields": {"status": {"statusCategory": {"key": "indeterminate"}}}}, {}),
            "comment",
        ),
        ((200, {"fields": {"status": {"statusCategory": {"key": "done"}}}}, {}), "issue"),
        ((404, {}, {}), "issue"),
    ],
)
def test_a_page_opens_another_issue_where_nobody_works_on_the_first(looked, path, site):
    server, tickets = site
    server.answers = [looked]
    assert tickets.deliver(notification(reference="OPS-7")).delivered
    assert server.received[-1].path.rpartition("/")[2] == path


def test_strangers_words_are_no_markup(site):
    server, tickets = site
    tickets.deliver(notification(what="[~admin] {code} !http://evil.example/a.png!", error="|a|"))
    text = server.received[0].json["fields"]["description"]
    assert r"\[~admin] \{code} \!http://evil.example/a.png\!" in text
    assert r"Error: \|a\|" in text


def test_a_personal_token_of_data_center_is_a_bearers(receiver):
    with peer(usual=(201, {"key": "OPS-1"}, {})) as server:
        receiver("jira", url=server.url, token="t0ken", project="OPS").deliver(notification())
    assert server.received[0].headers["authorization"] == "Bearer t0ken"


def test_a_test_gets_a_ticket_nothing_refers_to(desk, site):
    for server, tickets in (desk, site):
        outcome = tickets.deliver(notification("test", reference="OPS-9"))
        assert (outcome.delivered, outcome.reference) == (True, "")
        assert len(server.received) == 1
