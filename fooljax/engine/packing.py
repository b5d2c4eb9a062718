"""Many small arrays as one, and back, bit for bit.

A loop keeps what each of its turns gives. On an accelerator every array that is kept costs a kernel of some
microseconds in each turn, however small it is, and takes its share of compiling. A generation gives some
thirty arrays, which together are fewer bytes than one image.
"""

import itertools
import math
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

MOST = 2**14
"""The most members of an array that is packed; what a larger one costs is its size."""
_WORDS = tuple(map(np.dtype, ("bool", "int32", "uint32", "float32")))


class _Part(NamedTuple):
    shape: tuple[int, ...]
    dtype: Any
    packed: bool


@flax.struct.dataclass
class Packed:
    """A pytree of arrays, most of them in one. Leading axes that all arrays have in common may be added.

    Attributes:
      words: `[..., X]` uint32, the packed arrays end to end.
      others: those that are too large or of other types.
      parts: of each array, in the order of the pytree's leaves, what it was.
      structure: of the pytree.
    """

    words: jax.Array
    others: tuple[jax.Array, ...]
    parts: tuple[_Part, ...] = flax.struct.field(pytree_node=False)
    structure: Any = flax.struct.field(pytree_node=False)

    def unpacked(self) -> Any:
        """The pytree, its arrays with the leading axes of `words`; NumPy's, where `words` is."""
        begin, others, leaves = 0, iter(self.others), []
        for shape, dtype, packed in self.parts:
            if not packed:
                leaves.append(next(others))
                continue
            end = begin + math.prod(shape)
            part = self.words[..., begin:end].reshape((*self.words.shape[:-1], *shape))
            leaves.append(part.astype(dtype) if dtype == np.bool_ else part.view(dtype))
            begin = end
        return jax.tree.unflatten(self.structure, leaves)


def pack(tree: Any) -> Packed:
    """Packs a pytree of arrays; `pack(tree).unpacked()` is the same pytree again."""
    leaves, structure = jax.tree.flatten(tree)
    parts = tuple(
        _Part(leaf.shape, leaf.dtype, leaf.size <= MOST and leaf.dtype in _WORDS) for leaf in leaves
    )
    packed = [part.packed for part in parts]
    words = [_as_words(leaf).ravel() for leaf in itertools.compress(leaves, packed)]
    return Packed(
        words=jnp.concatenate(words) if words else jnp.zeros(0, jnp.uint32),
        others=tuple(leaf for leaf, small in zip(leaves, packed, strict=True) if not small),
        parts=parts,
        structure=structure,
    )


def _as_words(leaf: jax.Array) -> jax.Array:
    return leaf.astype(jnp.uint32) if leaf.dtype == np.bool_ else leaf.view(jnp.uint32)
