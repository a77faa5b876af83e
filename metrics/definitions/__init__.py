"""Journeys, KPIs and calendars: read from files or from what was once activated, and checked."""

from metrics.definitions.loading import Definitions, load, restore

__all__ = ["Definitions", "load", "restore"]
