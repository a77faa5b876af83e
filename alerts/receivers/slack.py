"""Slack: an incoming webhook, or chat.postMessage with a bot's token, which keeps to one thread.

Sources, all under docs.slack.dev: reference/methods/chat.postMessage (errors), messaging/
sending-messages-using-incoming-webhooks, reference/block-kit/blocks (limits), messaging/
formatting-message-text (escapes), apis/web-api/rate-limits (429 and Retry-After).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from alerts.receivers import Outcome
from alerts.receivers.http import HttpClient
from alerts.receivers.options import SlackOptions
from alerts.receivers.wording import Message, fitted, message, short
from threadline.model.incidents import Notification

_LONGEST_HEADER = 150  # characters of a header block
_LONGEST_SECTION = 3000  # of a section's text
_LONGEST_FIELD = 400  # Slack takes 2000; nobody reads them in half a column
_MOST_FIELDS = 10  # of one section
_LONGEST_LINE = 700  # of one move or item
_LONGEST_TEXT = 4000
# Characters of all blocks together. No page says how many there may be; others were refused from
# 11,300 on (github.com/slackapi/bolt-js/issues/2509 and 2867).
_LARGEST = 10_000
_ERROR = re.compile(r"[a-z_]{1,60}")
# What may pass; every other error stays until somebody changes the configuration.
_PASSING = frozenset({
    "fatal_error", "internal_error", "rate_limited", "ratelimited", "request_timeout",
    "service_unavailable", "team_added_to_org",
})  # fmt: skip
_HALF_DONE = ("fatal_error", "internal_error")  # the message may be there all the same


class SlackReceiver:
    """What is told of one incident goes into the thread of its first message, given a token.

    A page in a thread is shown in the channel too: nobody is woken by a reply nobody sees.
    """

    def __init__(self, options: SlackOptions, http: HttpClient) -> None:
        self._options, self._http = options, http

    def deliver(self, notification: Notification) -> Outcome:
        content = _content(message(notification.payload))
        if not self._options.token:
            return self._http.attempt(lambda: self._hook(content))
        return self._http.attempt(lambda: self._post(content, notification))

    def close(self) -> None:
        self._http.close()

    def _hook(self, content: dict[str, Any]) -> Outcome:
        answer = self._http.request("POST", self._options.url, json=content)
        if answer.body.strip() in (b"ok", b""):
            return Outcome(delivered=True)
        return _refused(answer.body.decode("ascii", "replace").strip())

    def _post(self, content: dict[str, Any], notification: Notification) -> Outcome:
        own = notification.payload["kind"] in ("digest", "test")
        thread = "" if own else notification.reference
        if thread:
            content["thread_ts"] = thread
            content["reply_broadcast"] = notification.payload["kind"] == "page"
        answer = self._http.request(
            "POST",
            self._options.url,
            json=content | {"channel": self._options.channel},
            headers={"Authorization": f"Bearer {self._options.token}"},
        )
        said = answer.json if isinstance(answer.json, dict) else {}
        if said.get("ok") is not True:
            return _refused(str(said.get("error", "")))
        return Outcome(delivered=True, reference="" if own else thread or str(said.get("ts", "")))


def _refused(error: str) -> Outcome:
    named = error if _ERROR.fullmatch(error) else "not understood"
    reason = "throttled" if named in ("ratelimited", "rate_limited") else f"refused: {named}"
    return Outcome(
        delivered=False, reason=reason, retry=named in _PASSING, unclear=named in _HALF_DONE
    )


def _content(said: Message) -> dict[str, Any]:
    def fits(one: Message) -> bool:
        return len(json.dumps(_blocks(one), ensure_ascii=False)) <= _LARGEST

    return {
        "text": _fitting(said.headline, _LONGEST_TEXT),
        "blocks": _blocks(fitted(said, fits)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _blocks(said: Message) -> list[dict[str, Any]]:
    title = short(said.headline, _LONGEST_HEADER)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title)}]
    if said.note:
        blocks.append({"type": "context", "elements": [_markdown(_escaped(said.note))]})
    if title != said.headline:
        blocks += _section([_fitting(said.headline, _LONGEST_SECTION)])
    fields = [
        _markdown(f"*{label}*\n{_fitting(value, _LONGEST_FIELD)}") for label, value in said.facts
    ]
    blocks += [
        {"type": "section", "fields": fields[at : at + _MOST_FIELDS]}
        for at in range(0, len(fields), _MOST_FIELDS)
    ]
    links = [_link(label, url) for label, url in said.links]
    return blocks + _section(_moves(said)) + _section(_items(said)) + _section(links, " · ")


def _section(lines: list[str], between: str = "\n") -> list[dict[str, Any]]:
    """As many whole lines as fit, in a block; none where none does.

    A link that is cut in two would be none, and Slack takes no empty text.
    """
    text = ""
    for line in lines:
        longer = f"{text}{between}{line}" if text else line
        if len(longer) <= _LONGEST_SECTION:
            text = longer
    return [{"type": "section", "text": _markdown(text)}] if text else []


def _moves(said: Message) -> list[str]:
    numbered = [f"{n}. {_fitting(move, _LONGEST_LINE)}" for n, move in enumerate(said.moves, 1)]
    return ["*Next*", *numbered] if numbered else []


def _items(said: Message) -> list[str]:
    return [
        f"• {_link(what, url) if url else _fitting(what, _LONGEST_LINE)}"
        for what, url in said.items
    ]


def _link(label: str, url: str) -> str:
    # | and > would end the address; what else Slack reads in it is escaped as in any text.
    address = _escaped(quote(url, safe=":/?#[]@!$&'()*+,;=%~"))
    return f"<{address}|{_fitting(label.replace('|', '¦'), _LONGEST_LINE)}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fitting(text: str, limit: int) -> str:
    """`text` escaped, in at most `limit` characters, no escape cut in two."""
    longest = limit
    while len(escaped := _escaped(short(text, longest))) > limit:
        longest -= max(1, (len(escaped) - limit) // len("&amp;"))
    return escaped


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}
