"""Rules that name what nobody has defined are found before the service starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadline import activation
from threadline.errors import DefinitionErrors
from threadline.settings import Settings

NAMED_BY_NOBODY = [
    ("when: kpi, kpi: attainment, window: this-month, below: 95%", "kpi", "no KPI 'attainment'"),
    (
        "when: kpi, kpi: sla-attainment, window: this-month, by: continent, below: 95%",
        *("by", "no dimension 'continent'"),
    ),
    (
        "when: kpi, kpi: sla-attainment, window: this-month, where: {continent: x}, below: 95%",
        *("where", "no dimension 'continent'"),
    ),
    (
        "when: kpi, kpi: sla-attainment, window: this-month, below: 8h",
        *("below", "8h does not fit sla-attainment, which is in ratio"),
    ),
    (
        "when: kpi, kpi: activation-cycle-time, window: this-month, above: 95%",
        *("above", "95% does not fit activation-cycle-time, which is in seconds"),
    ),
    ("when: silent-source, systems: [mainframe]", "systems", "no system 'mainframe' that has a"),
    ("when: hop-failure, systems: [mainframe]", "systems", "no system 'mainframe'"),
    ("when: case-deadline, journeys: [procurement]", "journeys", "no journey 'procurement'"),
    ("when: step-deadline, steps: [erp-projekt]", "steps", "no step 'erp-projekt'"),
    (
        "when: step-failure, journeys: [invoice-to-cash], steps: [erp-project]",
        *("steps", "no step 'erp-project'"),
    ),
    ("when: growth, of: orphans, by: region", "by", "by system, and by nothing else"),
]


@pytest.mark.parametrize(("rule", "key", "words"), NAMED_BY_NOBODY)
def test_it_is_refused_with_file_line_and_key(tmp_path: Path, rule: str, key: str, words: str):
    (tmp_path / "policies").mkdir()
    file = tmp_path / "policies" / "mine.yaml"
    file.write_text(
        f"policy: mine\nrules:\n  - {{{rule}}}\n"
        "escalation: [{after: 0s, receivers: [log]}]\nreceivers: {log: {type: log}}\n"
    )
    with pytest.raises(DefinitionErrors) as caught:
        activation.load(Settings(definitions_dir=tmp_path, data_dir=tmp_path))
    (error,) = caught.value.errors
    assert (error.file, error.line, error.key) == (file, 3, f"rules[0].{key}")
    assert words in error.rule
