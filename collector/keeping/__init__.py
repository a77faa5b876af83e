"""What is kept of an input once its body as received is not: all that decoding reads."""

from collector.keeping.reduction import reduced

__all__ = ["reduced"]
