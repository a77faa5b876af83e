"""From what was observed to cases, steps and exceptions."""

from metrics.derive.derivation import Derived, derive
from metrics.derive.rows import CASES, EXCEPTIONS, STEPS

__all__ = ["CASES", "EXCEPTIONS", "STEPS", "Derived", "derive"]
