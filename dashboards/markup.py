"""Small pieces of HTML: everything from outside is escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

TONES = {
    "good": "good",
    "ok": "good",
    "done": "good",
    "met": "good",
    "on_track": "good",
    "warning": "warning",
    "at_risk": "warning",
    "late": "bad",
    "bad": "bad",
    "failed": "bad",
    "breached": "bad",
    "missed": "bad",
}
_WORDS = re.compile(r"[\w ,.'\"’“”()?!;%/—–-]*")
_TICKS = re.compile(r"`+")
SIGNS = {"good": "✓", "warning": "!", "bad": "✗", "quiet": "○"}


class Markup(str):
    """HTML that is safe to show as it is."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Plain text; what is `Markup` already stays."""
    return value if isinstance(value, Markup) else Markup(escape(value))


def plain(value: str) -> str:
    """`value` as Markdown that shows it as it is: no link, picture, formula or emphasis.

    What could be more than words becomes code: escapes would not stop bare addresses from being
    made into links.
    """
    words = " ".join(value.split())
    if _WORDS.fullmatch(words) and "www." not in words.lower():
        return words
    fence = "`" * (1 + max(map(len, _TICKS.findall(words)), default=0))
    return f"{fence} {words} {fence}"


def tag(name: str, *content: str, **attributes: str) -> Markup:
    """An element; `class_` becomes class."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{given}>{''.join(text(part) for part in content)}</{name}>")


def join(parts: Iterable[str], between: str = "") -> Markup:
    """The parts in a row."""
    return Markup(text(between).join(text(part) for part in parts))


def link(address: str, words: str) -> Markup:
    """A link that stays in the same tab."""
    return tag("a", words, href=address, target="_self")


def chip(words: str, state: str) -> Markup:
    """A state said in words, with a sign and a tone; never by colour alone."""
    tone = TONES.get(state, "quiet")
    return tag("span", f"{SIGNS[tone]} {words}", class_=f"tl-chip tl-{tone}")


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()
) -> Markup:
    """A table; on a phone every row becomes a block with its heads beside the cells."""
    sides = ["tl-number" if place in numeric else "tl-text" for place in range(len(heads))]
    columns = list(zip(heads, sides, strict=True))
    head = tag("tr", *(tag("th", words, class_=side) for words, side in columns))
    body = [
        tag(
            "tr",
            *(
                tag("td", cell, class_=side, data_head=words)
                for cell, (words, side) in zip(row, columns, strict=True)
            ),
        )
        for row in rows
    ]
    whole = tag("table", tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="tl-table", tabindex="0")
