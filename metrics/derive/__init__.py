"""From what was observed to cases, steps and exceptions, and to what masters and copies say."""

from metrics.derive.derivation import NOTHING, derive
from metrics.derive.mastery import Mastery, mastery
from metrics.derive.rows import CASES, EXCEPTIONS, MISMATCHES, REMEDIES, STEPS, VALUES, Derived

__all__ = [
    "CASES",
    "EXCEPTIONS",
    "MISMATCHES",
    "NOTHING",
    "REMEDIES",
    "STEPS",
    "VALUES",
    "Derived",
    "Mastery",
    "derive",
    "mastery",
]
