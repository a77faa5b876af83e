"""The telemetry store: an index over the log in ClickHouse's dialect, embedded or by URL."""

from threadline.store.telemetry.client import Telemetry

__all__ = ["Telemetry"]
