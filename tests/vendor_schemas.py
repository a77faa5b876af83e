"""What vendors document of the requests they take, with where each of it is said.

Looked up in November 2026. Where nothing could be found, the comment says so: such a bound is our
own, and what the vendor does beyond it is not known.
"""

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


# PagerDuty, in github.com/PagerDuty/developer-docs under docs/events-API-v2:
# - 02-Trigger-Events.md: the fields and which are required; 32 characters of routing_key, 255 of
#   dedup_key, 1024 of summary; severities; actions, of which all but `trigger` are dropped where no
#   open alert has the dedup_key. A trigger for an open alert goes into its log and calls nobody
#   anew.
# - 01-Overview.md: 512 KB in all; 400 is final, 429 and 5xx are worth another try.
# - 05-Rate-Limits.md: about 120 calls a minute for one key, then 429; of Retry-After nothing is
#   said.
# No length was found for source, component, group, class, client and the text of a link.
_PAGERDUTY_KEY = _text(32, minLength=32)
_PAGERDUTY_EVENT = _object(
    ["routing_key", "event_action", "payload"],
    routing_key=_PAGERDUTY_KEY,
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
    routing_key=_PAGERDUTY_KEY,
    event_action={"enum": ["acknowledge", "resolve"]},
    dedup_key=_text(255),
)
PAGERDUTY = {"POST /v2/enqueue": {"oneOf": [_PAGERDUTY_EVENT, _PAGERDUTY_FOLLOW_UP]}}


# Opsgenie; the page itself, docs.opsgenie.com/docs/alert-api, was not to be had whole:
# - docs.opsgenie.com/docs/alerts-and-alert-fields: message 130 characters, alias 512, entity 512,
#   20 tags of 50.
# - github.com/api-evangelist/opsgenie, json-schema/opsgenie-createalertrequest-schema.json:
#   description 15,000, source 100, user 100, note 25,000, P1 to P5.
# - docs.opsgenie.com/docs/alert-deprecated: 50 teams, those beyond are ignored.
# - docs.opsgenie.com/docs/response: 202 is no promise; 400 to 404 are final.
# - docs.opsgenie.com/docs/api-rate-limiting: 429, with X-RateLimit-Period-In-Sec, not Retry-After.
# - developer.atlassian.com/cloud/jira/service-desk-ops/rest/v1/api-group-integration-events:
#   Jira Service Management takes the same. An open alert of that alias is counted once more.
# The 8,000 characters of details stand in a page about another product (metainf.atlassian.net). No
# length was found for the name of a team.
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


# Slack, under docs.slack.dev unless another address is named:
# - reference/block-kit/blocks/header-block: plain text of 150 characters.
# - reference/block-kit/blocks/section-block: text of 1 to 3000 characters, or 10 fields of 2000.
# - github.com/slackapi/python-slack-sdk, slack_sdk/models/blocks/blocks.py: 10 elements of context.
# - apis/web-api/rate-limits: a message a second to one channel, then 429 with Retry-After in
#   seconds.
# - github.com/slackapi/bolt-js/issues/2509: 50 blocks; refused from 13,200 characters in all of
#   them on, in issue 2867 with 11,341. No page says how many there may be.
# No length was found for an element of context and the name of a channel.
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
    # messaging/sending-messages-using-incoming-webhooks; api.slack.com/changelog/
    # 2016-05-17-changes-to-errors-for-incoming-webhooks: 400, 403, 404, 410 are final, 500 is not.
    "POST /services/T0/B0/x": _object(["text"], **_SLACK_MESSAGE),
    # reference/methods/chat.postMessage: text is cut above 40,000 characters; thread_ts is that of
    # the first message. github.com/slack-ruby/slack-api-ref has its errors: after fatal_error some
    # of it may have been done.
    "POST /api/chat.postMessage": _object(
        ["channel", "text"],
        channel=_text(80),
        thread_ts=_text(20, pattern=r"^\d+\.\d+$"),
        reply_broadcast={"type": "boolean"},
        **_SLACK_MESSAGE,
    ),
}

# Teams:
# - learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using: the
#   envelope; 4 requests a second, 60 in 30 seconds, 100 an hour; 429 inside an answer of 200.
# - learn.microsoft.com/connectors/teams: about 28 KB for the message of a flow. Others could use
#   20,800 bytes of them: github.com/atc0005/go-teams-notify/issues/59.
# - github.com/microsoft/AdaptiveCards, schemas/1.4.0/adaptive-card.json: the elements (our cards of
#   every kind keep to it, `msteams` aside); samples/HostConfig/microsoft-teams-light.json: 6
#   actions.
# - learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format: width.
# Nothing was found on what a flow answers, and no length of a text or a title.
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

# ServiceNow, in github.com/ServiceNow/ServiceNowDocs under markdown/api-reference:
# - rest-apis/c_TableAPI.md: paths, parameters, 201; a reference such as assignment_group takes a
#   sys_id; a condition on a field that is not there is ignored, so that a search may find anything.
# - rest-api-explorer/r_RESTAPIHTTPResponseCodes.md: 403 and 404 may mean that a rule forbids it.
# - rest-api-explorer/inbound-REST-API-rate-limiting.md: so many an hour, then 429 with Retry-After
#   in seconds.
# - github.com/api-evangelist/servicenow, json-schema/servicenow-incident-schema.json: 160
#   characters of short_description; states, urgency and impact.
# An instance decides on its fields. Only other people's dictionaries say 4000 and 100.
_SERVICENOW_RECORD = {
    "short_description": _text(160),
    "description": _text(4000),
    "urgency": {"enum": ["1", "2", "3"]},
    "impact": {"enum": ["1", "2", "3"]},
    "correlation_id": _text(100),
    "correlation_display": _text(100),
    "assignment_group": _text(32, pattern="^[0-9a-f]{32}$"),
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


# Jira:
# - developer.atlassian.com/cloud/jira/platform/rest/v2: issues, comments, transitions.
# - docs.exalate.com/docs/known-issue-summary-character-limit: 255 characters of summary.
# - github.com/bhaalsen/gitmerger/issues/9: 32,767 of a comment, as its error says; Data Center may
#   be configured otherwise.
# - jira.atlassian.com/browse/JRACLOUD-69262: 429, and some 5xx, with Retry-After in seconds.
# - developer.atlassian.com/changelog/#CHANGE-2046: GET /search has gone from Cloud, for
#   /search/jql.
# No length was found for a label, a key and the names.
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
