"""What LeNet's input gradient costs, in forward passes of the same images; and gradient ascent's whole loop.

Run as `python -m benchmarks.gradient --json FILE`, on an otherwise idle machine. All that is compared takes
turns; ratios are medians of interleaved ones. A gradient is one forward and one backward pass: 2 forwards
would be ideal if a backward pass cost what a forward one does.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from benchmarks.timing import interleaved, machine, peak_resident_bytes, spread, told
from fooljax.gradient import PRESETS, Program, odds_and_gradient, optimiser, progress, run_program
from fooljax.storage.outputs import file_of
from fooljax.targets.networks.lenet import LeNet
from fooljax.targets.networks.trainable import apply_of

BATCHES = (50, 200, 1000)
GATED = 1000
"""The batch whose ratio is gated."""
MUST, AIM = 5.0, 3.5
"""Forwards that a gradient may cost."""
LOOP_BATCH, LOOP_STEPS = 200, 10
RULES = {
    "unregularised": progress(PRESETS["unregularised"].settings),
    "seed_360 (blur, two percentiles)": progress(PRESETS["seed_360"].settings),
    "adam": optimiser(),
}
SHAPE = (28, 28, 1)


def plain_lenet(params: Any, images: jax.Array) -> jax.Array:
    """The same LeNet, of flax's own layers."""
    weights: Any = params["params"]
    x: Any = images * (255.0 / 256.0)
    for layer in ("ConvPool_0", "ConvPool_1"):
        features = weights[layer]["bias"].size
        x = nn.Conv(features, (5, 5), padding="VALID").apply({"params": weights[layer]}, x)
        x = nn.max_pool(x, (2, 2), (2, 2))
    x = nn.Dense(500).apply({"params": weights["Dense_0"]}, x.reshape(x.shape[0], -1))
    x = nn.Dense(10).apply({"params": weights["Dense_1"]}, nn.relu(x))
    return jnp.asarray(x)


def plain_gradient(params: Any, images: jax.Array, classes: jax.Array) -> jax.Array:
    """What `jax.grad` gives for a logit, untiled, with flax's own layers."""

    def height(images: jax.Array) -> jax.Array:
        return jnp.sum(jnp.take_along_axis(plain_lenet(params, images), classes[:, None], -1))

    return jax.grad(height)(images)


def material(batch: int) -> tuple[Any, jax.Array, jax.Array]:
    """A network, noise images and classes."""
    params = LeNet(10).init(jax.random.key(0), jnp.zeros((1, *SHAPE)))
    return params, jax.random.uniform(jax.random.key(1), (batch, *SHAPE)), jnp.arange(batch) % 10


def same_gradient() -> float:
    """The largest difference between our gradient and the plain one, as a share of the largest value.

    Raises:
      ValueError: they are not the same, so that a comparison of times would mean nothing.
    """
    params, images, classes = material(64)
    ours = jax.jit(odds_and_gradient(apply_of("lenet", 10), "logit"))(params, (images, classes))[2]
    plain = jax.jit(plain_gradient)(params, images, classes)
    apart = float(jnp.max(jnp.abs(ours - plain)) / jnp.max(jnp.abs(plain)))
    if apart > 1e-4:
        raise ValueError(f"gradient: expected that of flax's own layers, got one {apart:.1e} apart")
    return apart


def measure(batch: int, repeats: int) -> dict[str, Any]:
    """Forward, gradient, and the plain gradient of one batch."""
    params, images, classes = material(batch)
    forward = jax.jit(apply_of("lenet", 10))
    gradient = jax.jit(odds_and_gradient(apply_of("lenet", 10)))
    plain = jax.jit(plain_gradient)
    seconds = interleaved(
        {
            "forward": lambda: forward(params, images),
            "gradient": lambda: gradient(params, (images, classes)),
            "plain": lambda: plain(params, images, classes),
        },
        repeats,
    )
    base = np.asarray(seconds["forward"])
    return {
        "batch": batch,
        "gradient_over_forward": spread(np.asarray(seconds["gradient"]) / base),
        "plain_gradient_over_forward": spread(np.asarray(seconds["plain"]) / base),
        "forward_images_per_second": spread(batch / base),
        "gradient_images_per_second": spread(batch / np.asarray(seconds["gradient"])),
    }


def measure_loops(repeats: int) -> dict[str, Any]:
    """One iteration of a whole ascent, over one gradient of the same images."""
    params, images, classes = material(LOOP_BATCH)
    gradient = jax.jit(odds_and_gradient(apply_of("lenet", 10)))
    functions: dict[str, Callable[[], Any]] = {"gradient": lambda: gradient(params, (images, classes))}
    for name, rule in RULES.items():
        what = Program(apply_of("lenet", 10), rule, LOOP_STEPS + 1)
        program = jax.jit(partial(run_program, what))
        functions[name] = partial(program, params, images, classes, jnp.zeros(SHAPE))
    seconds = interleaved(functions, repeats)
    base = np.asarray(seconds.pop("gradient"))
    return {name: spread(np.asarray(each) / LOOP_STEPS / base) for name, each in seconds.items()}


def main() -> None:
    """Measures every batch and rule, and prints the gate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument(
        "--repeats", type=int, default=15, help="interleaved repetitions, 7 or more to report"
    )
    arguments = parser.parse_args()
    # Before it measures, as the load is that of others then.
    report: dict[str, Any] = {"machine": machine(), "difference": same_gradient(), "rows": []}
    for batch in BATCHES:
        row = measure(batch, arguments.repeats)
        report["rows"].append(row)
        print(
            f"batch {batch:>5}: gradient / forward {told(row['gradient_over_forward'])}; "
            f"of flax's own layers, untiled {told(row['plain_gradient_over_forward'])}; "
            f"{row['gradient_images_per_second']['median']:,.0f} gradients/s, "
            f"{row['forward_images_per_second']['median']:,.0f} forwards/s",
            flush=True,
        )
        if batch == GATED:
            ratio = row["gradient_over_forward"]["median"]
            report["gate"] = {"ratio": ratio, "must": MUST, "aim": AIM}
    report["iteration_over_gradient"] = measure_loops(arguments.repeats)
    for name, ratio in report["iteration_over_gradient"].items():
        print(f"an iteration of a whole ascent / a gradient, batch {LOOP_BATCH}, {name}: {told(ratio)}")
    gate = report["gate"]
    print(
        f"gate: {gate['ratio']:.2f}, must be at most {MUST}, aim {AIM}: "
        f"{'MISSED' if gate['ratio'] > MUST else 'aim met' if gate['ratio'] <= AIM else 'met'}; "
        f"load at the start {report['machine']['load_at_start']}"
    )
    if arguments.json:
        report["peak_resident_bytes"] = peak_resident_bytes()
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
