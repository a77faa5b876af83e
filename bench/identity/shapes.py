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

# By role in `contract.csv`: object type, namespace, the role its object goes by, and its owner's.
ROLES = {
    "clm": ("contract", "clm", "clm", ""),
    "crm": ("contract", "crm", "clm", ""),
    "docusign": ("contract", "docusign", "clm", ""),
    "opp": ("opportunity", "crm", "opp", "clm"),
    "erp": ("project", "erp", "erp", "clm"),
    "s4": ("project", "s4", "erp", "clm"),
    "psa": ("project", "psa", "erp", "clm"),
    "bs": ("billing_schedule", "erp", "bs", "erp"),
    "rc": ("rate_card", "erp", "rc", "erp"),
    "tax": ("tax_configuration", "erp", "tax", "erp"),
    "rt": ("revenue_treatment", "erp", "rt", "erp"),
    "am": ("amendment", "clm", "am", "clm"),
    "sub": ("subcontract", "clm", "sub", "clm"),
    "po": ("purchase_order", "procurement", "po", "clm"),
    "i3s": ("invoice", "s4", "i3", "erp"),
    "customer": ("customer", "crm", "customer", ""),
    **{f"m{n}": ("milestone", "psa", f"m{n}", "erp") for n in (1, 2, 3)},
    **{f"i{n}": ("invoice", "erp", f"i{n}", "erp") for n in (1, 2, 3)},
    **{f"p{n}": ("payment", "bank", f"p{n}", f"i{n}") for n in (1, 2, 3)},
    **{f"q{n}": ("payment", "erp", f"p{n}", f"i{n}") for n in (1, 2, 3)},
}
