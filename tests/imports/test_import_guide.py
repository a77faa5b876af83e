"""The guide to imports does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from collector.imports import import_file

GUIDE = (Path(__file__).parents[2] / "docs" / "imports.md").read_text()


def test_the_mapping_of_the_guide_gives_the_id_of_the_guide(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "payments.yaml").write_text(example)
    file = tmp_path / "payments.csv"
    file.write_text(
        "reference,invoice,booked_at,updated_at\nR-1,4711,2026-06-01,2026-06-02T04:00\n"
    )
    bodies: list[bytes] = []
    import_file(file, tmp_path / "payments.yaml", bodies.append)
    (event,) = json.loads(bodies[0])
    assert f"`{event['id']}`" in GUIDE
    assert event["data"]["invoice.number"] == "4711"
