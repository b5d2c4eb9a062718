"""Encodings: how a genome becomes an image."""

from fooljax.encodings.direct import direct

__all__ = ["direct"]
