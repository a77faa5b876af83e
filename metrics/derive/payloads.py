"""Reading attributes out of payloads, which are flat JSON objects as machines write them.

Searching the text is exact, because inside a JSON string the quotes of a key would be escaped, and
several times cheaper than parsing it.
"""

from __future__ import annotations

import re

import polars as pl


def carries(attribute: str) -> pl.Expr:
    """Whether a fact's `payload` has a value, neither null nor empty, for `attribute`."""
    key = f'"{attribute}"'
    payload = pl.col("payload")
    pattern = re.escape(key) + r'\s*:\s*(?:"[^"]|[^"\sn])'
    return payload.str.contains(key, literal=True) & payload.str.contains(pattern)


def text_of(payload: pl.Series, attribute: str) -> pl.Series:
    """The attribute's text in each payload: strings bare, others as JSON; null without one."""
    plain = payload.str.extract(re.escape(f'"{attribute}"') + r'\s*:\s*"([^"\\]*)"')
    rest = plain.is_null().arg_true()
    # What is left is no string, has escapes, or is absent: that takes a parser.
    parsed = payload.gather(rest).str.json_path_match(f'$["{attribute}"]')
    return plain.scatter(rest, parsed)
