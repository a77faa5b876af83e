"""Notifications as receivers get them, made by hand."""

from __future__ import annotations

from typing import Any

from control_databases import NOON

from threadline.model.incidents import Notification

STORM = {
    "what": "erp: 23 cases hang on “no answer within 30 s”, contracts worth EUR 1,200,000.50",
    "about": "hop",
    "severity": "failure",
    "system": "erp",
    "error": "no answer within 30 s",
    "contract": "",
    "case": "",
    "cases": 23,
    "breached": 4,
    "value": None,
    "currency": "",
    "worth": {"EUR": "1200000.50", "USD": "90000"},
}


def notification(kind: str = "page", *, reference: str = "", **payload: Any) -> Notification:
    """A breach of one contract, unless `payload` says otherwise; `STORM` is a hop that fails."""
    bare = Notification(
        incident_id="inc-7",
        episode=1,
        step=1,
        receiver="default/pager",
        reason="opened",
        due_at=NOON,
        payload={},
    )
    told = {
        "version": 2,
        "id": f"{bare.key}.{kind}",
        "kind": kind,
        "repeat": False,
        "reason": "opened",
        "escalation_step": 1,
        "escalated": False,
        "what": "C-1: Contract activation has missed its deadline, at “erp-project”",
        "about": "case",
        "incident": "inc-7",
        "episode": 1,
        "severity": "breach",
        "state": "resolved" if kind == "resolved" else "open",
        "journey": "contract-activation",
        "criticality": "revenue",
        "contract": "C-1",
        "case": "C-1",
        "step": "erp-project",
        "system": "",
        "error": "",
        "since": "2026-03-02T11:30:00Z",
        "opened_at": "2026-03-02T12:00:00Z",
        "due_at": "2026-03-02T12:00:00Z",
        "resolved_at": "2026-03-02T12:00:00Z" if kind == "resolved" else None,
        "value": "120000.00",
        "currency": "EUR",
        "cases": 1,
        "breached": 1,
        "worth": {},
        "owner": "integration-operations",
        "assignee": "",
        "next_moves": ["replay the project request", "ask ERP operations", "set it up by hand"],
        "runbook": "https://runbooks.example/erp-project",
        "labels": {
            "journey": "contract-activation",
            "step": "erp-project",
            "system": "",
            "criticality": "revenue",
            "severity": "breach",
            "policy": "default",
            "about": "case",
            "rule": "case-deadline",
            "contract": "C-1",
        },
        "links": {
            "contract": "https://threadline.example/contract?id=contract%3Aclm%3AC-1",
            "hop": "https://threadline.example/hops?system=erp&journey=contract-activation",
            "incident": "https://threadline.example/on-call?incident=inc-7",
            "acknowledge": "https://threadline.example/acknowledge/inc-7.signed-and-expiring",
        },
    }
    if kind == "digest":
        item = {"incident": "inc-7", "kind": "page", "severity": "breach"}
        link = "https://threadline.example/on-call?incident=inc-"
        told["items"] = [
            item | {"what": f"C-{n}: has missed its deadline", "link": f"{link}{n}"}
            for n in range(1, 21)
        ]
        told["total"] = 240
        told["what"] = "240 notifications at once: 240 need somebody"
    told["labels"]["severity"] = payload.get("severity", "breach")
    return Notification(**(vars(bare) | {"payload": told | payload, "reference": reference}))
