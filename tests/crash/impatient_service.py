"""The service, but what a dead courier had in hand is free again after two seconds."""

from __future__ import annotations

import sys
from datetime import timedelta

from alerts import outbox
from threadline.cli import main

if __name__ == "__main__":
    outbox.LEASE = timedelta(seconds=2)
    sys.exit(main())
