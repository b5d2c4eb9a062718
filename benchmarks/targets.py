"""Networks for photographs: images a second against the machine's peak, the plain forms and PyTorch.

Run as `python -m benchmarks.targets --json FILE`, on an otherwise idle machine. PyTorch's part wants the
extra `golden`; all networks but EfficientNet-Lite get random weights, which cost as much as real ones.
"""

import argparse
import functools
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.small_networks import GOLDEN, SMALL, small_network, torch_of_small
from benchmarks.timing import gemm, interleaved, machine, peak_resident_bytes, spread, told
from fooljax.data.imagenet import NUM_CLASSES
from fooljax.encodings import cppn
from fooljax.engine.batching import tiled
from fooljax.engine.compiled import compile_advance, compile_start
from fooljax.engine.loop import Search
from fooljax.engine.types import Problem, checked_shape
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of
from fooljax.strategies import focused
from fooljax.targets import imagenet
from fooljax.targets.networks import alexnet, efficientnet
from fooljax.targets.networks.kernels import same_convolutions

IMAGES = 32
CHILDREN = 100
GENERATIONS = 2
"""Of one call of the loop."""
WARM_UP = 20
"""Calls before timing, so that drawing networks have grown."""
NAMES = (
    *("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2", "caffenet", "alexnet-torchvision"),
    *SMALL,
)


def flops(name: str) -> float:
    """Floating-point operations of one image: multiplications and additions of all weights."""
    if name in SMALL:
        return small_network(name).flops
    total, side = 0.0, imagenet.crops_of(name).input_size
    if name in efficientnet.VARIANTS:
        side = -(-side // 2)
        total += 2 * 27 * efficientnet.STEM * side**2
        every = efficientnet.blocks(efficientnet.VARIANTS[name])
        for block in every:
            inner = block.channels * block.expansion
            total += 2 * block.channels * inner * side**2 * (block.expansion > 1)
            side = -(-side // block.stride)
            total += 2 * inner * (block.kernel**2 + block.features) * side**2
        head = every[-1].features * efficientnet.HEAD * side**2 + efficientnet.HEAD * 1000
        return total + 2 * head
    channels, layout = 3, alexnet.VARIANTS[name]
    for conv in layout.convs:
        out = (side + 2 * conv.padding - conv.kernel) // conv.stride + 1
        total += 2 * conv.kernel**2 * channels // conv.groups * conv.features * out**2
        side = (out - 3 + layout.ceil) // 2 + 1 if "pool" in conv.after else out
        channels = conv.features
    inputs = channels * side**2
    for width in (*layout.dense, 1000):
        total += 2 * inputs * width
        inputs = width
    return total


def params_of(name: str) -> Any:
    """The parameters: real ones where a package brings them."""
    if name in efficientnet.VARIANTS:
        return imagenet.load(name).params["network"]
    if name in SMALL:
        return small_network(name).params
    side = imagenet.crops_of(name).input_size
    return imagenet.network(name).init(jax.random.key(0), jnp.zeros((1, side, side, 3)))


def forward_of(name: str, tile: int) -> Callable[[Any, jax.Array], jax.Array]:
    """The network over `tile` images at a time."""
    network = small_network(name).module if name in SMALL else imagenet.network(name)
    return lambda params, images: tiled(network.apply, tile, params, images)


def plain_of(name: str) -> Callable[[Any, jax.Array], jax.Array]:
    """The same network with XLA's own depthwise and first convolution, the whole batch at once."""
    network = imagenet.network(name)

    def forward(params: Any, images: jax.Array) -> jax.Array:
        with (
            mock.patch.object(efficientnet, "depthwise", same_convolutions._depthwise_in_xla),
            mock.patch.object(efficientnet, "convolve_few", same_convolutions._few_in_xla),
        ):
            result: jax.Array = network.apply(params, images)  # type: ignore[assignment]
        return result

    return forward


def torch_of(name: str, images: np.ndarray[Any, Any]) -> Callable[[], Any] | None:
    """PyTorch, eager, with the same weights (AlexNet's family: others); None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    sys.path.insert(0, str(GOLDEN))
    import drawn_weights
    import make_imagenet as theirs

    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    if name in SMALL:
        # Quicker by up to a half than the other order of axes.
        return _in_parts(torch_of_small(name), inputs.contiguous(memory_format=torch.channels_last))
    if name in efficientnet.VARIANTS:
        state = torch.load(imagenet.packaged_weights(name), weights_only=True)
        return _in_parts(functools.partial(theirs.lite, state), inputs)
    caffe = name != "alexnet-torchvision"
    shapes = drawn_weights.caffe_shapes() if caffe else drawn_weights.torchvision_shapes()
    state = {key: torch.from_numpy(value) for key, value in drawn_weights.random_weights(shapes).items()}
    function = functools.partial(theirs.caffe, norm_first=False) if caffe else theirs.torchvision
    return _in_parts(functools.partial(function, state), inputs)


def _in_parts(function: Callable[[Any], Any], inputs: Any) -> Callable[[], Any]:
    import torch

    def run() -> Any:
        with torch.no_grad():
            return [function(inputs[start : start + 8]).numpy() for start in range(0, len(inputs), 8)]

    return run


def measure(name: str, repeats: int) -> dict[str, Any]:
    """One network's forward, interleaved with the matrix product, the plain form and PyTorch."""
    how = small_network(name).how if name in SMALL else imagenet.crops_of(name)
    side, params = how.input_size, params_of(name)
    levels = np.random.default_rng(0).random((IMAGES, side, side, 3), np.float32)
    images = jnp.asarray(levels)
    begun = time.perf_counter()
    ours = jax.jit(forward_of(name, how.tile)).lower(params, images).compile()
    compile_seconds = time.perf_counter() - begun
    product, product_flops = gemm()
    functions: dict[str, Callable[[], Any]] = {"ours": lambda: ours(params, images), "gemm": product}
    if name in efficientnet.VARIANTS:
        plain = jax.jit(plain_of(name)).lower(params, images).compile()
        functions["plain"] = lambda: plain(params, images)
    if torch := torch_of(name, levels):
        functions["torch"] = torch
    seconds = {key: np.asarray(times) for key, times in interleaved(functions, repeats).items()}
    row = {
        "images_per_second": spread(IMAGES / seconds["ours"]),
        "over_gemm_peak": spread(
            (flops(name) * IMAGES / seconds["ours"]) / (product_flops / seconds["gemm"])
        ),
        "gemm_gflops": spread(product_flops / seconds["gemm"] / 1e9),
        "gflops_an_image": flops(name) / 1e9,
        "compile_seconds": compile_seconds,
    }
    for key in ("plain", "torch"):
        if key in seconds:
            row[f"over_{key}"] = spread(seconds[key] / seconds["ours"])
            row[f"{key}_images_per_second"] = spread(IMAGES / seconds[key])
    return row


def measure_loop(repeats: int, children: int = CHILDREN) -> dict[str, Any]:
    """The whole CPPN loop of 1,000 classes against the bare forward of as many images, EfficientNet-Lite0."""
    target = imagenet.load("efficientnet-lite0")
    encoding = cppn(checked_shape(target.image_shape), functions="wide", coordinates="scaled")
    strategy = focused(encoding, batch_size=children)
    search, cells = Search(encoding, strategy), tuple(range(NUM_CLASSES))
    problem = Problem(target.params, encoding.coordinates(), target.apply, cells)
    keys = jax.random.split(jax.random.key(1), 1)
    state, _ = compile_start(search, children, problem, keys)(problem, keys)
    begun = time.perf_counter()
    program = compile_advance(search, GENERATIONS, problem, state)
    compile_seconds = time.perf_counter() - begun
    images = jax.random.uniform(jax.random.key(2), (children, *checked_shape(target.image_shape)))
    forward = jax.jit(target.apply)

    def loop() -> Any:
        nonlocal state
        state, metrics = program(problem, state)
        return metrics

    for _ in range(WARM_UP):
        loop()
    functions: dict[str, Callable[[], Any]] = {
        "loop": loop,
        "forward": lambda: [forward(target.params, images) for _ in range(GENERATIONS)],
    }
    seconds = {key: np.asarray(times) for key, times in interleaved(functions, repeats).items()}
    return {
        "loop_over_forward": spread(seconds["forward"] / seconds["loop"]),
        "evaluations_per_second": spread(children * GENERATIONS / seconds["loop"]),
        "compile_seconds": compile_seconds,
        "peak_resident_bytes": peak_resident_bytes(),
    }


def main() -> None:
    """Measures every network, then the loop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--repeats", type=int, default=9, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--names", nargs="+", choices=NAMES, default=list(NAMES))
    arguments = parser.parse_args()
    facts = machine()
    # First, so that its peak of memory is its own.
    loop = measure_loop(arguments.repeats)
    print(
        "loop over forward",
        told(loop["loop_over_forward"]),
        f"{loop['peak_resident_bytes'] / 2**30:.1f} GiB",
    )
    rows = {}
    for name in arguments.names:
        rows[name] = row = measure(name, arguments.repeats)
        words = [f"{row['images_per_second']['median']:.1f} images/s"]
        words += [
            f"{key.replace('_', ' ')} {told(row[key])}"
            for key in ("over_gemm_peak", "over_plain", "over_torch")
            if key in row
        ]
        print(name, "; ".join(words), flush=True)
    if arguments.json:
        write_json(arguments.json, {"machine": facts, "loop": loop, "networks": rows})


if __name__ == "__main__":
    main()
