"""What is found by something its table is not sorted by is what is current, and all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry, observations, search, threads

AT = datetime(2026, 3, 20, tzinfo=UTC)
INSTANT = pl.Datetime("ns", "UTC")
C1, C2 = "contract:clm:C-1", "contract:clm:C-2"
TRACE, LINKED, LATER = "aa" * 16, "bb" * 16, "ab" * 16


def _put(telemetry: Telemetry, table: str, generation: int, *rows: dict[str, Any]) -> None:
    stamps = {"generation": pl.lit(generation, pl.UInt64), "deleted": pl.lit(0, pl.UInt8)}
    telemetry.insert(table, pl.DataFrame(rows).with_columns(**stamps))


def _place(name: str, root: str) -> dict[str, str]:
    parts = zip(("object_type", "namespace", "value"), name.split(":"), strict=True)
    return {**dict(parts), "object_id": name, "owner_id": "", "root_id": root}


def _link(child: str, parent: str, state: str) -> dict[str, str]:
    ends = {"kind": "belongs_to", "fact_id": "f", "system": "erp", "state": state}
    for end, name in (("child", child), ("parent", parent)):
        parts = zip(("type", "namespace", "value"), name.split(":"), strict=True)
        ends |= {f"{end}_{part}": value for part, value in parts}
    return ends


def _fact(trace: str, fact_id: str, names: list[str], links: list[str]) -> dict[str, Any]:
    fact = {"trace_id": trace, "fact_id": fact_id, "identifiers": names, "span_links": links}
    return {**fact, "received_at": AT, "kind": "span"}


def test_an_identifier_that_has_moved_is_found_under_its_new_root_alone(
    telemetry: Telemetry,
) -> None:
    _put(telemetry, "identifiers", 1, _place(C1, C1), _place(C2, C2), _place("project:erp:P", C1))
    _put(telemetry, "identifiers", 2, _place("project:erp:P", C2))
    assert observations.members(telemetry, [C1])["value"].to_list() == ["C-1"]
    assert observations.members(telemetry, [C2])["value"].sort().to_list() == ["C-2", "P"]


def test_a_lost_claim_is_found_from_the_parent_as_it_stands_now(telemetry: Telemetry) -> None:
    project = "project:erp:P"
    _put(telemetry, "links", 1, _link(project, C1, "held"), _link(project, C2, "held"))
    _put(telemetry, "links", 2, _link(project, C2, "conflict"))
    _put(telemetry, "identifiers", 1, _place(C2, C2))
    found = observations.links(telemetry, [C2])
    assert found.select("child_value", "state").rows() == [("P", "conflict")]


def test_a_thread_has_the_last_version_of_what_was_said_and_nothing_that_was_taken_back(
    telemetry: Telemetry,
) -> None:
    _put(telemetry, "identifiers", 1, _place(C1, C1))
    told = {"object_type": "contract", "namespace": "clm", "value": "C-1", "of": 1, "how": "own"}
    for generation, fact_id, name in ((1, "1", "old"), (2, "1", "new"), (1, "2", "withdrawn")):
        fact = {**told, "fact_id": fact_id, "name": name, "received_at": AT}
        _put(telemetry, "mentions", generation, fact)
    gone = pl.DataFrame([{**told, "fact_id": "2", "received_at": AT}])
    deleted = {"generation": pl.lit(2, pl.UInt64), "deleted": pl.lit(1, pl.UInt8)}
    telemetry.insert("mentions", gone.with_columns(**deleted))
    facts, total = threads.facts_of(telemetry, observations.members(telemetry, [C1]))
    assert [fact["name"] for fact in facts] == ["new"]
    assert total == 1


def test_a_value_is_found_in_any_case_and_by_its_full_name(telemetry: Telemetry) -> None:
    _put(telemetry, "identifiers", 1, _place("contract:crm:aBc", C1), _place("project:erp:ABC", C1))

    def values(text: str, *spellings: str) -> list[str]:
        found = search.exact(telemetry, text, spellings=spellings, unlinked=["customer"])
        return found["value"].to_list()

    assert values("Abc", "Abc") == ["aBc", "ABC"]
    assert values("contract:crm:aBc", "contract:crm:aBc") == ["aBc"]
    assert values("contract:crm:abc", "contract:crm:abc") == []

    gone = pl.DataFrame([_place("project:erp:ABC", C1)])
    deleted = {"generation": pl.lit(2, pl.UInt64), "deleted": pl.lit(1, pl.UInt8)}
    telemetry.insert("identifiers", gone.with_columns(**deleted))
    assert values("abc", "abc") == ["aBc"]


def test_a_trace_leads_to_what_it_names_and_to_what_it_has_from_a_trace_it_links_to(
    telemetry: Telemetry,
) -> None:
    _put(telemetry, "identifiers", 1, _place(C1, C1), _place(C2, C2))
    facts = [
        _fact(TRACE, "1", [], [f"{LINKED}:{'0' * 16}"]),
        _fact(LINKED, "2", [C1, C2], []),
        _fact(LATER, "3", [C2], []),
    ]
    telemetry.insert("facts", pl.DataFrame(facts, schema_overrides={"received_at": INSTANT}))
    for trace, fact_id, value in ((TRACE, "1", "C-1"), (LINKED, "2", "C-2"), (LATER, "3", "C-2")):
        mention = {"object_type": "contract", "namespace": "clm", "value": value}
        _put(telemetry, "mentions", 1, {**mention, "fact_id": fact_id, "trace_id": trace})
    corrected = {"mapping_revision": 1, "content_hash": 9}
    older = {**_fact(LATER, "3", [C1], []), "mapping_revision": 0, "content_hash": 1}
    newer = {**_fact(LATER, "3", [C2], []), **corrected}
    schema = {"received_at": INSTANT, "mapping_revision": pl.UInt32, "content_hash": pl.UInt64}
    telemetry.insert("facts", pl.DataFrame([older, newer], schema_overrides=schema))
    assert search.by_trace(telemetry, TRACE)["root_id"].to_list() == [C1]
    assert search.by_trace(telemetry, LATER)["root_id"].to_list() == [C2]
    prefixed = search.by_trace(telemetry, "A")
    assert prefixed.select("value", "root_id").rows() == [(TRACE, C1), (LATER, C2)]
