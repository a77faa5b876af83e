"""Source mappings: which system speaks, which business object it speaks of, and under what name."""

from collector.mapping.files import load
from collector.mapping.types import (
    BLANKS,
    Attribute,
    Cadence,
    Mapping,
    Normalisation,
    ObjectType,
    Relation,
    SameAs,
    Source,
    parse,
)

__all__ = [
    "BLANKS",
    "Attribute",
    "Cadence",
    "Mapping",
    "Normalisation",
    "ObjectType",
    "Relation",
    "SameAs",
    "Source",
    "load",
    "parse",
]
