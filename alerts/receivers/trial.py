"""A notification that is about nothing: whether what is configured arrives."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from threadline.model.incidents import Notification


def trial(receiver: str, who: str, at: datetime) -> Notification:
    """A test of `receiver` (`policy/name`), asked for by `who`; each is another one."""
    number = f"test-{uuid.uuid4().hex[:12]}"
    instant = at.isoformat().replace("+00:00", "Z")
    bare = Notification(
        incident_id=number,
        episode=0,
        step=0,
        receiver=receiver,
        reason="tested",
        due_at=at,
        payload={},
        kind="test",
    )
    payload: dict[str, Any] = {
        "version": 2,
        "id": bare.key,
        "kind": "test",
        "repeat": False,
        "reason": "tested",
        "escalation_step": 0,
        "escalated": False,
        "what": f"receiver {receiver} is tried out by {who}; nothing is the matter",
        "about": "case",
        "incident": number,
        "episode": 0,
        "severity": "warning",
        "state": "open",
        **dict.fromkeys(("journey", "criticality", "contract", "case", "step", "system"), ""),
        "error": "",
        "since": instant,
        "opened_at": instant,
        "due_at": None,
        "resolved_at": None,
        "value": None,
        "currency": "",
        "cases": 1,
        "breached": 0,
        "worth": {},
        "owner": who,
        "assignee": "",
        "next_moves": ["nothing: whoever reads this is reached"],
        "runbook": "",
        "labels": {},
        "links": {},
    }
    return Notification(**(vars(bare) | {"payload": payload}))
