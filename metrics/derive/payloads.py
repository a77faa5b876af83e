"""Reading attributes out of payloads, which are flat JSON objects as machines write them.

Searching the text is exact, because inside a JSON string the quotes of a key would be escaped, and
several times cheaper than parsing it.
"""

from __future__ import annotations

import re

import polars as pl


def names(attribute: str) -> pl.Expr:
    """Whether a fact's `payload` may have a value for `attribute`; a no is certain."""
    return pl.col("payload").str.contains(f'"{attribute}"', literal=True)


def carries(attribute: str) -> pl.Expr:
    """Whether a fact's `payload` has a value, neither null nor empty, for `attribute`."""
    pattern = re.escape(f'"{attribute}"') + r'\s*:\s*(?:"[^"]|[^"\sn])'
    return pl.col("payload").str.contains(pattern)


def text_of(payload: pl.Series, attribute: str) -> pl.Series:
    """The attribute's text in each payload: strings bare, others as JSON; null without one."""
    plain = payload.str.extract(re.escape(f'"{attribute}"') + r'\s*:\s*"([^"\\]*)"')
    rest = plain.is_null().arg_true()
    # What is left is no string, has escapes, or is absent: that takes a parser.
    parsed = payload.gather(rest).str.json_path_match(f'$["{attribute}"]')
    return plain.scatter(rest, parsed)
