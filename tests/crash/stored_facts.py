"""Prints what a stopped service's index holds; in a process of its own, as chDB has one directory.

CloudEvents ids are looked up by the fact id they give: sha256("event|source|ce-source|ce-id").
"""

import json
import sys
from pathlib import Path

from threadline import settings
from threadline.store.telemetry import Telemetry

store = Telemetry.open(settings.load(data_dir=Path(sys.argv[1])).telemetry)
rows = store.query(
    "SELECT if(kind = 'span', concat(trace_id, '/', span_id), fact_id) AS key, count() AS n"
    " FROM facts FINAL GROUP BY key"
)
store.close()
print(json.dumps(dict(rows.iter_rows())))
