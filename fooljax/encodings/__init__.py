"""Encodings: how a genome becomes an image."""

from fooljax.encodings.cppn.encoding import cppn, encoding_of
from fooljax.encodings.direct import direct

__all__ = ["cppn", "direct", "encoding_of"]
