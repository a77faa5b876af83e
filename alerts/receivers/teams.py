"""Microsoft Teams: an Adaptive Card through the webhook of a Workflow.

Sources: learn.microsoft.com/connectors/teams (28 KB); under learn.microsoft.com/microsoftteams/
platform webhooks-and-connectors/how-to/connectors-using (the error inside an answer of 200) and
task-modules-and-cards/cards/cards-format (what is read as Markdown); the elements in
github.com/microsoft/AdaptiveCards, schemas/1.6.0/adaptive-card.json.
"""

from __future__ import annotations

import json
import re
from typing import Any

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient, judge
from alerts.receivers.options import TeamsOptions
from alerts.receivers.wording import Message, fitted, message
from threadline.clock import Clock
from threadline.model.incidents import Notification

# Bytes of the whole message. Of the 28 KB that are documented, others could use 20,800 (github.com/
# atc0005/go-teams-notify/issues/59), and a flow may write what is no ASCII as escapes.
_LARGEST = 20_000
_MOST_ACTIONS = 6
_COLOURS = {"warning": "Warning", "breach": "Attention", "failure": "Attention"}
# So the older connectors, and flows made like them, report that the message went nowhere.
_ERROR_INSIDE = re.compile(rb"HTTP error (\d{3})")


class TeamsReceiver:
    """Strangers' words are text runs, which are not read as Markdown: no link can hide there."""

    def __init__(self, options: TeamsOptions, http: HttpClient, clock: Clock) -> None:
        self._url, self._http, self._clock = options.url, http, clock

    def deliver(self, notification: Notification) -> Outcome:
        def post() -> Outcome:
            answer = self._http.request("POST", self._url, json=_message(notification))
            inside = _ERROR_INSIDE.search(answer.body)
            if inside is None:
                return DELIVERED
            return judge(int(inside[1]), answer.retry_after, self._clock.now())

        return self._http.attempt(post)

    def close(self) -> None:
        self._http.close()


def _message(notification: Notification) -> dict[str, Any]:
    payload = notification.payload
    colour = "Good" if payload["kind"] == "resolved" else _COLOURS[payload["severity"]]

    def fits(one: Message) -> bool:
        return len(json.dumps(_attached(_card(one, colour)))) <= _LARGEST

    return _attached(_card(fitted(message(payload), fits), colour))


def _attached(card: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _card(said: Message, colour: str) -> dict[str, Any]:
    body = [_line([_run(said.headline, size="Large", weight="Bolder", color=colour)])]
    if said.note:
        body.append(_line([_run(said.note, isSubtle=True)]))
    body += [
        _line([_run(f"{label}: ", weight="Bolder"), _run(value)]) for label, value in said.facts
    ]
    if said.moves:
        body.append(_line([_run("Next", weight="Bolder")]))
        body += [_line([_run(f"{number}. {move}")]) for number, move in enumerate(said.moves, 1)]
    body += [_line([_run(f"• {what}")]) for what, _ in said.items]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": label, "url": url}
            for label, url in said.links[:_MOST_ACTIONS]
        ],
    }


def _line(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _run(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **more}
