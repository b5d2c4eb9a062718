"""CPPN images: the paper's indirect encoding.

The package is what it builds too: `fooljax.encodings.cppn(image_shape)` is `encoding.cppn(image_shape)`, and
`import fooljax.encodings.cppn.functions` finds its files.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

from fooljax.engine.types import Encoding


class _Builder(ModuleType):
    def __call__(self, *arguments: Any, **settings: Any) -> Encoding:
        """The encoding: see `fooljax.encodings.cppn.encoding.cppn`."""
        from fooljax.encodings.cppn.encoding import cppn

        return cppn(*arguments, **settings)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to other processes by its name, as modules and functions do."""
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Builder
