"""What is kept of an input once its body as received is not: all that decoding reads, or that
without what tells of a person."""

from collector.keeping.erasure import Cleared, Eraser
from collector.keeping.reduction import reduced
from collector.keeping.removal import without

__all__ = ["Cleared", "Eraser", "reduced", "without"]
