"""A replay of alert rules in words and tables."""

from __future__ import annotations

from urllib.parse import urlencode

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from threadline.wire import Replay, ReplayedRule, ReplayExample

SHOWN = 3  # examples of a rule among several; --json has more
SHOWN_OF_ONE = 20


def replay(found: Replay, dashboards: str) -> RenderableType:
    """Each rule with how often it would have fired, its last examples, and what is not known."""
    head = f"From {found.since:%d %b %Y} to {found.until:%d %b %Y}, as things are known today:"
    shown = SHOWN_OF_ONE if len(found.rules) == 1 else SHOWN
    parts: list[RenderableType] = [Text(head)]
    for rule in found.rules:
        parts += [_counts(rule), *([_examples(rule, shown, dashboards)] if rule.examples else [])]
    parts.append(Text("\nWhat this cannot know", "bold"))
    parts += [Text(f"- {line}", "dim") for line in found.unknown]
    return Group(*parts)


def _counts(rule: ReplayedRule) -> Text:
    times = "once" if rule.fired == 1 else f"{rule.fired:,} times"
    pages = "1 page" if rule.pages == 1 else f"{rule.pages:,} pages"
    words = f" would have fired {times}, {pages}" if rule.fired else " would not have fired"
    return Text(f"\n{rule.rule}", "bold").append(words, "not bold")


def _examples(rule: ReplayedRule, shown: int, dashboards: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in rule.examples[:shown]:
        said = Text(one.said)
        if page := _page(rule, one):
            said.append(f"\n{dashboards}/{page}", "dim")
        table.add_row(f"{one.at:%d %b %H:%M}", said)
    if rule.fired > shown:
        table.add_row("…", Text(f"{rule.fired - shown:,} more", "dim"))
    return table


def _page(rule: ReplayedRule, one: ReplayExample) -> str:
    """Where to look at it: the contract, or the figure as it was known then."""
    if one.contract:
        return f"contract?{urlencode({'id': one.contract})}"
    if not rule.kpi:
        return ""
    asked = {"kpi": rule.kpi, "window": rule.window, "as_of": one.at.isoformat()}
    return f"kpi?{urlencode(asked)}"
