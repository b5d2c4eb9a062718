"""Encodings: how a genome becomes an image."""

from fooljax.encodings.cppn.encoding import cppn, encoding_of
from fooljax.encodings.direct import direct
from fooljax.encodings.fixed_cppn import fixed_cppn

__all__ = ["cppn", "direct", "encoding_of", "fixed_cppn"]
