"""Encodings: how a genome becomes an image."""

from typing import TYPE_CHECKING

from fooljax.encodings._direct import direct
from fooljax.encodings._fixed_cppn import fixed_cppn
from fooljax.encodings.cppn.encoding import encoding_of
from fooljax.encodings.cppn.formulas import formulas
from fooljax.encodings.registry import ENCODINGS, build, describe

if TYPE_CHECKING:  # while a program runs, `cppn` is the package, which can be called: see there
    from fooljax.encodings.cppn.encoding import cppn

__all__ = ["ENCODINGS", "build", "cppn", "describe", "direct", "encoding_of", "fixed_cppn", "formulas"]
