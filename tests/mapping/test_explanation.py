"""What `threadline check` says about identity, and what it warns of."""

from __future__ import annotations

from pathlib import Path

from collector.mapping import load
from collector.mapping.explanation import explain, warnings


def _warned(tmp_path: Path, objects: str) -> list[str]:
    (tmp_path / "objects.yaml").write_text(objects)
    return [one for one in warnings(load(tmp_path)) if one not in warnings(load())]


def test_the_shipped_mapping_says_who_names_what_and_warns_of_nothing():
    (project,) = [one for one in explain(load()) if one.object_type == "project"]
    assert (project.master, project.belongs_to) == ("erp", ("contract",))
    assert project.names == (
        "erp.project.id (erp)",
        "s4.project.id (s4)",
        "psa.project.id (psa)",
    )
    assert warnings(load()) == []


def test_a_namespace_that_no_attribute_carries_is_never_seen(tmp_path: Path):
    (warning,) = _warned(
        tmp_path,
        "objects:\n  milestone: {owner: [project], master: psa, namespaces: [psa, jira]}\n",
    )
    assert warning.startswith("milestone: no attribute carries its jira identifiers")


def test_an_object_whose_owner_nobody_names_can_never_be_tied(tmp_path: Path):
    (warning, _) = sorted(
        _warned(
            tmp_path,
            "objects:\n"
            "  folder: {owner: [contract], master: clm, namespaces: [share]}\n"
            "  document: {owner: [folder], master: clm, namespaces: [share]}\n"
            "attributes:\n"
            "  document.id: {object: document, namespace: share}\n",
        )
    )
    assert warning.startswith("document: can never be tied to a contract, as no attribute names")


def test_names_of_one_type_that_no_pair_joins_are_warned_of(tmp_path: Path):
    (warning,) = _warned(
        tmp_path,
        "objects:\n"
        "  invoice: {owner: [project, contract], master: erp, namespaces: [erp, s4, billing]}\n"
        "attributes:\n"
        "  billing.invoice.id: {object: invoice, namespace: billing}\n",
    )
    assert warning == (
        "invoice: its billing identifiers are never the same as those of erp, s4,"
        " as no pair in same_as leads there; add one"
    )


def test_what_bounds_the_ties_of_a_type_is_said():
    told = {one.object_type: one.validity for one in explain(load())}
    assert told["amendment"] == "from amendment.valid_from until amendment.valid_to"
    assert told["purchase_order"].endswith("; another owner is another purchase_order")
    assert told["project"] == ""
