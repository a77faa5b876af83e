"""From what was observed to cases, steps and exceptions."""

from metrics.derive.derivation import derive
from metrics.derive.rows import CASES, EXCEPTIONS, STEPS, Derived

__all__ = ["CASES", "EXCEPTIONS", "STEPS", "Derived", "derive"]
