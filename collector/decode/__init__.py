"""Decoding: logged requests in, facts and the identifiers they speak of out. Pure and columnar."""

from collector.decode.decoding import Decoded, Engine, decode

__all__ = ["Decoded", "Engine", "decode"]
