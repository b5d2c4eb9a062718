"""Draws CPPNs: one renderer, in three forms (see `lowering`), of which the platform chooses one.

`jax.vmap(render, (0, None))` does not add an axis to every operation: on a CPU genomes are taken one after
another (`serial`), on a GPU one kernel draws them (`kernel`), elsewhere all of them advance together
(`batched`). Each needs memory for the images, of `4 K' H W` bytes each, for the coordinates, `4 I H W`, and
for what its file says.
"""

from collections.abc import Callable

import jax

from fooljax.encodings.cppn.batched import draw_together
from fooljax.encodings.cppn.genome import CPPN, Layout
from fooljax.encodings.cppn.in_kernel import all_fit
from fooljax.encodings.cppn.lowering import choose
from fooljax.encodings.cppn.serial import draw_in_turn
from fooljax.encodings.cppn.table import check_coordinates, check_drawing

Render = Callable[[CPPN, jax.Array], jax.Array]


def make_render(
    layout: Layout, function_names: tuple[str, ...], colour: str, lowering: str | None = None
) -> Render:
    """Builds `render(genome, coordinates) -> image` for one genome; vmap it over as many axes as wanted.

    Args:
      layout: sizes of the genomes.
      function_names: the function set; a genome's function `i` is the i-th.
      colour: a name out of `colour.COLOURS`.
      lowering: see `lowering.choose`. Where a function cannot be in a kernel (see `in_kernel`) the batched
        form takes its place.
    Returns:
      A function of a CPPN and of coordinates `[I, H, W]` (see `coordinates`), giving `[H, W, K']` in [0, 1],
      multiples of 1/255 (grey, rgb). It has no reverse-mode derivative: see `differentiable`.
    Raises:
      InputError: an unknown name, or a layout without the outputs that `colour` needs.
    """
    check_drawing(layout, function_names, colour)

    def serial(coordinates: jax.Array, genomes: CPPN) -> jax.Array:
        return draw_in_turn(layout, function_names, colour, genomes, coordinates)

    def batched(coordinates: jax.Array, genomes: CPPN) -> jax.Array:
        return draw_together(layout, function_names, colour, genomes, coordinates)

    def kernel(coordinates: jax.Array, genomes: CPPN, interpret: bool = False) -> jax.Array:
        if not all_fit(function_names):
            return batched(coordinates, genomes)
        # Not for all: JAX 0.11 says that it will drop the kernel's compiler.
        from fooljax.encodings.cppn.kernel import draw_by_kernel

        return draw_by_kernel(layout, function_names, colour, genomes, coordinates, interpret)

    many = choose(lowering, serial, batched, kernel)

    def render(genome: CPPN, coordinates: jax.Array) -> jax.Array:
        check_coordinates(coordinates, layout)
        image: jax.Array = many(coordinates, jax.tree.map(lambda leaf: leaf[None], genome))[0]
        return image

    return render
