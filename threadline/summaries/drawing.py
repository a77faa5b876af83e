"""Charts as pictures, drawn in a process of their own.

The renderer holds a JavaScript engine: 65 MB that a service which mails once a week need not keep,
beside an embedded database that should not share its process with one.
"""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Sequence

from threadline.wire.summaries import SummaryTrend

logger = logging.getLogger(__name__)

SECONDS = 60
SCALE = 2  # of a pixel, for displays that have finer ones


def draw(trends: Sequence[SummaryTrend]) -> list[bytes]:
    """One PNG for each; none at all where they cannot be drawn, which is logged."""
    if not trends:
        return []
    told = json.dumps([trend.model_dump(mode="json") for trend in trends])
    try:
        drawn = subprocess.run(
            [sys.executable, "-m", __name__],
            input=told,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        logger.warning("the charts of a summary were not drawn: %s", error)
        return []
    return [base64.b64decode(line) for line in drawn.stdout.split()]


def main() -> None:
    """Read trends as JSON, write one line of base64 for each."""
    # Only here, so that the service loads neither.
    import vl_convert

    from threadline.summaries.charts import chart

    for told in json.load(sys.stdin):
        spec = chart(SummaryTrend.model_validate(told)).to_json()
        png = vl_convert.vegalite_to_png(spec, scale=SCALE)
        sys.stdout.write(base64.b64encode(png).decode() + "\n")


if __name__ == "__main__":
    main()
