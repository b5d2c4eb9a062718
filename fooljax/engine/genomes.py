"""Genomes that come from a file: none is drawn or varied before it is known to be one that could be.

Programs compiled for an encoding trust what they are given: a count beyond its array would loop for hours or
read another genome, and a NaN would spread.
"""

import jax
import jax.numpy as jnp
import numpy as np

from fooljax.engine.types import Encoding, Genome
from fooljax.errors import InputError, shown


def check_genomes(encoding: Encoding, genomes: Genome) -> None:
    """Makes sure that genomes are possible ones of an encoding.

    An encoding that has a `check` decides itself. Otherwise every floating-point number must be finite, and
    within the encoding's `bounds` where it has any.

    Args:
      encoding: of the genomes.
      genomes: arrays with leaves `[N, ...]`, of the shapes and dtypes that `encoding.init` gives.
    Raises:
      InputError: names the first genome that is none, and what is wrong with it.
    """
    if encoding.check is not None:
        encoding.check(genomes)
        return
    for path, leaf in jax.tree_util.tree_flatten_with_path(genomes)[0]:
        numbers = np.asarray(leaf)
        if not jnp.issubdtype(numbers.dtype, jnp.floating) or not numbers.size:
            continue
        finite = float(jnp.finfo(numbers.dtype).max)
        low, high = encoding.bounds or (-finite, finite)
        flat = numbers.reshape(len(numbers), -1)
        # NaN is the least and the greatest wherever there is one, and no comparison with it is true.
        with np.errstate(invalid="ignore"):
            good = (flat.min(axis=1) >= low) & (flat.max(axis=1) <= high)
        if not good.all():
            index = int(np.argmin(good))
            one = flat[index]
            found = shown(one[~((one >= low) & (one <= high))][0])
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise InputError(
                f"genome {index}: expected {f'{name} of ' if name else ''}finite numbers in "
                f"[{low:g}, {high:g}], found {found}"
            )
