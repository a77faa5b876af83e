"""Problem documents (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from threadline.wire.threads import ContractHit
from threadline.wire.values import Shape


class Fault(Shape):
    """One part of a request that broke a rule: where it is and what is asked for."""

    where: str
    rule: str


class Problem(Shape):
    """RFC 9457 problem details; `candidates` lists what an ambiguous identifier may mean."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[Fault] = Field(default_factory=list)
    candidates: list[ContractHit] = Field(default_factory=list)
