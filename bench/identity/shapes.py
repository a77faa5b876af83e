"""Columns of what decoding gives, and what the identifiers of a contract are."""

from __future__ import annotations

import polars as pl

_INSTANT = pl.Datetime("ns", "UTC")

FACTS = pl.Schema(
    {
        "trace_id": pl.String(),
        "fact_id": pl.String(),
        "mapping_revision": pl.UInt32(),
        "content_hash": pl.UInt64(),
        "kind": pl.String(),
        "source": pl.String(),
        "system": pl.String(),
        "name": pl.String(),
        "span_id": pl.String(),
        "parent_span_id": pl.String(),
        "occurred_at": _INSTANT,
        "ended_at": _INSTANT,
        "at": _INSTANT,
        "plausible": pl.Boolean(),
        "outcome": pl.String(),
        "message": pl.String(),
        "attributes": pl.String(),
        "span_links": pl.List(pl.String()),
        "annotations": pl.List(pl.String()),
        "received_at": _INSTANT,
        "partition": pl.UInt16(),
        "offset": pl.UInt64(),
        "ordinal": pl.UInt32(),
        "payload": pl.String(),
    }
)
LETTERS = pl.Schema(
    {
        "partition": pl.UInt16(),
        "offset": pl.UInt64(),
        "source": pl.String(),
        "received_at": _INSTANT,
    }
)

# By role in `contract.csv`: object type, namespace.
ROLES = {
    "clm": ("contract", "clm"),
    "crm": ("contract", "crm"),
    "docusign": ("contract", "docusign"),
    "opp": ("opportunity", "crm"),
    "erp": ("project", "erp"),
    "s4": ("project", "s4"),
    "psa": ("project", "psa"),
    "bs": ("billing_schedule", "erp"),
    "rc": ("rate_card", "erp"),
    "tax": ("tax_configuration", "erp"),
    "rt": ("revenue_treatment", "erp"),
    "am": ("amendment", "clm"),
    "sub": ("subcontract", "clm"),
    "po": ("purchase_order", "procurement"),
    "i3s": ("invoice", "s4"),
    "customer": ("customer", "crm"),
    **{f"m{n}": ("milestone", "psa") for n in (1, 2, 3)},
    **{f"i{n}": ("invoice", "erp") for n in (1, 2, 3)},
    **{f"p{n}": ("payment", "bank") for n in (1, 2, 3)},
    **{f"q{n}": ("payment", "erp") for n in (1, 2, 3)},
}
