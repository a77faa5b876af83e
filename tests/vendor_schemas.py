"""What vendors document of the requests they take, written down from the pages named."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_URI = {"type": "string", "format": "uri", "pattern": "^https?://"}


def _object(required: list[str], **properties: Any) -> Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


def _text(longest: int, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest, **more}


# developer.pagerduty.com/docs/send-alert-event: `trigger` needs a payload, others the key alone.
_PAGERDUTY_EVENT = _object(
    ["routing_key", "event_action", "payload"],
    routing_key=_text(32),
    event_action={"const": "trigger"},
    dedup_key=_text(255),
    payload=_object(
        ["summary", "source", "severity"],
        summary=_text(1024),
        source=_text(1024),
        severity={"enum": ["critical", "error", "warning", "info"]},
        timestamp={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        component=_text(1024),
        group=_text(1024),
        **{"class": _text(1024)},
        custom_details={"type": "object"},
    ),
    client=_text(1024),
    client_url=_URI,
    links={"type": "array", "items": _object(["href"], href=_URI, text=_text(1024))},
)
_PAGERDUTY_FOLLOW_UP = _object(
    ["routing_key", "event_action", "dedup_key"],
    routing_key=_text(32),
    event_action={"enum": ["acknowledge", "resolve"]},
    dedup_key=_text(255),
)
PAGERDUTY = {"POST /v2/enqueue": {"oneOf": [_PAGERDUTY_EVENT, _PAGERDUTY_FOLLOW_UP]}}


# docs.opsgenie.com/docs/alert-api: create, add note, acknowledge, close; limits of each field.
_OPSGENIE_NOTE = _object([], user=_text(100), source=_text(100), note=_text(25_000))


def opsgenie(alias: str) -> dict[str, Schema]:
    """The paths of the alert known by `alias`."""
    follow_ups = {
        f"POST /v2/alerts/{alias}/{act}": _OPSGENIE_NOTE
        for act in ("notes", "acknowledge", "close")
    }
    return follow_ups | {
        "POST /v2/alerts": _object(
            ["message"],
            message=_text(130),
            alias=_text(512),
            description=_text(15_000),
            responders={
                "type": "array",
                "maxItems": 50,
                "items": _object(["type", "name"], type={"const": "team"}, name=_text(500)),
            },
            tags={"type": "array", "maxItems": 20, "items": _text(50)},
            details={"type": "object", "additionalProperties": {"type": "string"}},
            entity=_text(512),
            source=_text(100),
            priority={"enum": ["P1", "P2", "P3", "P4", "P5"]},
        )
    }


# docs.slack.dev/reference/block-kit/blocks: header, section, context; composition objects of text.
_PLAIN = _object(
    ["type", "text"], type={"const": "plain_text"}, text=_text(150), emoji={"type": "boolean"}
)


def _mrkdwn(longest: int) -> Schema:
    # docs.slack.dev/messaging/formatting-message-text: & < > are escaped but for links.
    readable = r"^([^<>&]|&(amp|lt|gt);|<https?://[^<>|\s]+\|[^<>|]+>)*$"
    return _object(
        ["type", "text"], type={"const": "mrkdwn"}, text=_text(longest, pattern=readable)
    )


_SLACK_BLOCK = {
    "oneOf": [
        _object(["type", "text"], type={"const": "header"}, text=_PLAIN),
        _object(["type", "text"], type={"const": "section"}, text=_mrkdwn(3000)),
        _object(
            ["type", "fields"],
            type={"const": "section"},
            fields={"type": "array", "minItems": 1, "maxItems": 10, "items": _mrkdwn(2000)},
        ),
        _object(
            ["type", "elements"],
            type={"const": "context"},
            elements={"type": "array", "minItems": 1, "maxItems": 10, "items": _mrkdwn(3000)},
        ),
    ]
}
_SLACK_MESSAGE = {
    "text": _text(40_000),
    "blocks": {"type": "array", "minItems": 1, "maxItems": 50, "items": _SLACK_BLOCK},
    "unfurl_links": {"type": "boolean"},
    "unfurl_media": {"type": "boolean"},
}
SLACK = {
    # docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    "POST /services/T0/B0/x": _object(["text"], **_SLACK_MESSAGE),
    # docs.slack.dev/reference/methods/chat.postMessage
    "POST /api/chat.postMessage": _object(
        ["channel", "text"],
        channel=_text(80),
        thread_ts=_text(20, pattern=r"^\d+\.\d+$"),
        reply_broadcast={"type": "boolean"},
        **_SLACK_MESSAGE,
    ),
}

# learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using and
# adaptivecards.io/explorer: RichTextBlock and TextRun since 1.2, Action.OpenUrl.
_RUN = _object(
    ["type", "text"],
    type={"const": "TextRun"},
    text=_text(4000),
    size={"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
    weight={"enum": ["Lighter", "Default", "Bolder"]},
    color={"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
    isSubtle={"type": "boolean"},
)
_CARD = _object(
    ["type", "version", "body"],
    **{"$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"}},
    type={"const": "AdaptiveCard"},
    version={"const": "1.4"},
    msteams=_object(["width"], width={"const": "Full"}),
    body={
        "type": "array",
        "items": _object(
            ["type", "inlines"],
            type={"const": "RichTextBlock"},
            inlines={"type": "array", "minItems": 1, "items": _RUN},
        ),
    },
    actions={
        "type": "array",
        "maxItems": 6,
        "items": _object(
            ["type", "url"], type={"const": "Action.OpenUrl"}, title=_text(100), url=_URI
        ),
    },
)
TEAMS = {
    "POST /workflows/x": _object(
        ["type", "attachments"],
        type={"const": "message"},
        attachments={
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": _object(
                ["contentType", "content"],
                contentType={"const": "application/vnd.microsoft.card.adaptive"},
                contentUrl={"type": "null"},
                content=_CARD,
            ),
        },
    )
}

# docs.servicenow.com, REST API reference, Table API; field lengths of table incident as shipped.
_SERVICENOW_RECORD = {
    "short_description": _text(160),
    "description": _text(4000),
    "urgency": {"enum": ["1", "2", "3"]},
    "impact": {"enum": ["1", "2", "3"]},
    "correlation_id": _text(100),
    "correlation_display": _text(100),
    "assignment_group": _text(100),
}
_SERVICENOW_NEWS = {
    "work_notes": _text(4000),
    "state": {"enum": ["1", "2", "3", "6", "7", "8"]},
    "close_code": _text(40),
    "close_notes": _text(4000),
}


def servicenow(*records: str) -> dict[str, Schema]:
    """Table incident, with these records in it."""
    table = "/api/now/table/incident"
    return {f"POST {table}": _object(["short_description"], **_SERVICENOW_RECORD)} | {
        f"PATCH {table}/{record}": _object([], **_SERVICENOW_NEWS) for record in records
    }


# developer.atlassian.com/cloud/jira/platform/rest/v2: issues, comments, transitions.
_JIRA_FIELDS = _object(
    ["project", "issuetype", "summary"],
    project=_object(["key"], key=_text(10)),
    issuetype=_object(["name"], name=_text(60)),
    summary=_text(255, pattern=r"^[^\r\n]*$"),
    description=_text(32_767),
    labels={"type": "array", "items": _text(255, pattern=r"^\S+$")},
    priority=_object(["name"], name=_text(60)),
)


def jira(*issues: str) -> dict[str, Schema]:
    """A site with these issues."""
    api = "/rest/api/2/issue"
    known = {f"POST {api}": _object(["fields"], fields=_JIRA_FIELDS, update={"type": "object"})}
    for issue in issues:
        known[f"POST {api}/{issue}/comment"] = _object(["body"], body=_text(32_767))
        known[f"POST {api}/{issue}/transitions"] = _object(
            ["transition"], transition=_object(["id"], id=_text(20))
        )
    return known
