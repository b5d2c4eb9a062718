"""How large the checks are: for a card, and in small for a CPU."""

from typing import NamedTuple


class Size(NamedTuple):
    """Sizes of all checks.

    Attributes:
      repeats: interleaved repetitions of what is timed.
      gemm: rows of the square matrices whose product counts as the peak.
      digits: images of 28 x 28 that a LeNet names at a time.
      photographs: images that EfficientNet-Lite0 names at a time.
      children: of a generation of the loops with 28 x 28 pixels.
      photograph_children: of a generation of the loops with EfficientNet-Lite0.
      drawn: images drawn at a time, by the side of the image.
      mutated: genomes that are mutated at a time.
      compared: genomes and images of the checks that compare the card with the CPU.
      generations: of the searches that are repeated.
      command: flags of the command that is timed as a whole.
      torch: images that PyTorch names at a time; 0 leaves it out.
    """

    repeats: int
    gemm: int
    digits: tuple[int, ...]
    photographs: tuple[int, ...]
    children: tuple[int, ...]
    photograph_children: tuple[int, ...]
    drawn: dict[int, tuple[int, ...]]
    mutated: int
    compared: int
    generations: int
    command: tuple[str, ...]
    torch: int


SIZES = {
    "card": Size(
        repeats=7,
        gemm=8192,
        digits=(200, 4096, 65_536),
        photographs=(100, 1000),
        children=(200, 4096),
        photograph_children=(100, 1000),
        drawn={28: (200, 1024, 4096), 256: (100, 1000)},
        mutated=4096,
        compared=256,
        generations=100,
        command=(),
        torch=500,
    ),
    "smoke": Size(
        repeats=2,
        gemm=256,
        digits=(8,),
        photographs=(),
        children=(8,),
        photograph_children=(),
        drawn={28: (4,)},
        mutated=8,
        compared=4,
        generations=4,
        command=("--runs", "1", "--children", "8", "--generations", "2"),
        torch=0,
    ),
}
"""By name."""
