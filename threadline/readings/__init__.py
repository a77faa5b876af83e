"""Looks at what rules on figures, silence and growth watch, taken beside the evaluator."""

from threadline.readings.looks import LOOK_SECONDS, Readings

__all__ = ["LOOK_SECONDS", "Readings"]
