"""What a message to people says, in the order in which it helps; receivers only give it a shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Payload = Mapping[str, Any]

# Characters of one value; the next where the message as a whole is still too long.
_LONGEST_VALUES = (4000, 1000, 400, 200, 100, 60)
_LONGEST_WORD = 40  # one that is longer may be cut anywhere

_KINDS = {"update": "Update", "resolved": "Resolved", "test": "Test", "digest": "Digest"}
_UPDATES = {
    "acknowledged": "Acknowledged",
    "grown": "Growing",
    "raised": "Worse",
    "returned": "Back",
}
_SEVERITIES = {"warning": "Warning", "breach": "Breach", "failure": "Failure"}
_LINKS = {
    "acknowledge": "Acknowledge",
    "incident": "Incident",
    "contract": "Contract",
    "hop": "Hop",
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """`headline` is one line. `facts` and `links` are (label, value); `items` are (what, URL)."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    moves: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    items: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def cut(self, longest: int) -> Message:
        """The same, no value of it longer than `longest` characters; URLs stay whole."""
        return replace(
            self,
            headline=short(self.headline, longest),
            facts=tuple((label, short(value, longest)) for label, value in self.facts),
            moves=tuple(short(move, longest) for move in self.moves),
            items=tuple((short(what, longest), url) for what, url in self.items),
        )

    def text(self, escape: Callable[[str], str] = str) -> str:
        """All of it in plain lines; `escape` treats what may be strangers' words, never URLs."""
        parts = [
            [escape(self.headline)],
            [escape(self.note)] if self.note else [],
            [f"{escape(what)}\n  {url}".rstrip() for what, url in self.items],
            [f"{label}: {escape(value)}" for label, value in self.facts],
            ["Next:", *(f"{n}. {escape(move)}" for n, move in enumerate(self.moves, 1))]
            if self.moves
            else [],
            [f"{label}: {url}" for label, url in self.links],
        ]
        return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def message(payload: Payload) -> Message:
    """What is said of one notification."""
    digest = payload["kind"] == "digest"
    return Message(
        headline=headline(payload),
        note="You may have had this message before." if payload["repeat"] else "",
        facts=() if digest else tuple(_facts(payload)),
        moves=() if digest or payload["kind"] == "resolved" else tuple(payload["next_moves"]),
        links=() if digest else tuple(_links(payload)),
        items=tuple(_items(payload)),
    )


def headline(payload: Payload) -> str:
    """What it is and how bad; the first thing anybody reads, and often the last."""
    if payload["kind"] == "update" and payload["reason"] in _UPDATES:
        return f"{_UPDATES[payload['reason']]}: {payload['what']}"
    return _titled(payload["kind"], payload["severity"], payload["what"])


def instant(text: str | None) -> str:
    """An RFC 3339 instant as people write it: 30 Nov 2026 14:05 UTC."""
    if not text:
        return ""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def short(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; that it was cut is seen.

    Where a word ends nearby it ends there: half of `EUR 4,812,300.50` would be another amount.
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    end = max(kept.rfind(" "), kept.rfind("\n"))
    if not text[limit - 1].isspace() and end > max(len(kept) - _LONGEST_WORD, 0):
        kept = kept[:end]
    return kept.rstrip() + "…"


def fitted(said: Message, fits: Callable[[Message], bool]) -> Message:
    """`said` with its values cut no more than it needs to fit.

    Of a message that is too long the long values are cut, not the end: there are the owner, what
    to do next and the links.
    """
    cuts = (said, *(said.cut(longest) for longest in _LONGEST_VALUES))
    return next((one for one in cuts if fits(one)), cuts[-1])


def text_within(said: Message, limit: int, escape: Callable[[str], str] = str) -> str:
    """Plain lines in at most `limit` characters."""
    whole = fitted(said, lambda one: len(one.text(escape)) <= limit)
    return short(whole.text(escape), limit)


def _titled(kind: str, severity: str, what: str) -> str:
    return f"{_KINDS.get(kind) or _SEVERITIES[severity]}: {what.removeprefix('Over: ')}"


def _items(payload: Payload) -> Iterator[tuple[str, str]]:
    """Those of a digest, which names the gravest and counts the rest."""
    items = payload.get("items", ())
    for item in items:
        yield _titled(item.get("kind", "page"), item["severity"], item["what"]), item["link"]
    if (more := payload.get("total", len(items)) - len(items)) > 0:
        yield f"and {more:,} more", ""


def _facts(payload: Payload) -> list[tuple[str, str]]:
    facts = {
        "How many": _count(payload),
        "How much": _worth(payload),
        "Since": instant(payload["since"] or payload["opened_at"]),
        "Due": instant(payload["due_at"]),
        "Resolved": instant(payload["resolved_at"]),
        "Contract": payload["contract"],
        "Case": payload["case"] if payload["case"] != payload["contract"] else "",
        "Journey": payload["journey"],
        "Step": payload["step"],
        "System": payload["system"],
        "Error": payload["error"],
        "State": _state(payload),
        "Owner": payload["owner"] or "none named",
        "Runbook": "" if _is_web(payload["runbook"]) else payload["runbook"],
    }
    return [(label, value) for label, value in facts.items() if value]


def _count(payload: Payload) -> str:
    cases, breached = payload["cases"], payload["breached"]
    if payload["about"] == "growth":
        return f"{cases:,} in all"
    if cases <= 1 and not breached:
        return ""
    late = f", {breached:,} of them past a deadline" if breached else ""
    return f"{cases:,} {'case' if cases == 1 else 'cases'}{late}"


def _worth(payload: Payload) -> str:
    worth = dict(payload["worth"])
    if not worth and payload["value"] is not None:
        worth = {payload["currency"]: payload["value"]}
    return " and ".join(f"{unit} {Decimal(total):,}".strip() for unit, total in worth.items())


def _state(payload: Payload) -> str:
    if payload["assignee"]:
        return f"{payload['state']}, with {payload['assignee']}"
    if payload["escalated"]:
        return f"{payload['state']}, nobody has acknowledged it so far"
    return str(payload["state"])


def _links(payload: Payload) -> list[tuple[str, str]]:
    links = payload["links"]
    named = [(label, links.get(name, "")) for name, label in _LINKS.items()]
    return [
        (label, url) for label, url in (*named, ("Runbook", payload["runbook"])) if _is_web(url)
    ]


def _is_web(text: str) -> bool:
    """Whether it may be a link: services refuse a whole message for one that is none."""
    return text.startswith(("http://", "https://"))
