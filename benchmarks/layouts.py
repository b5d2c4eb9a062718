"""Networks in both layouts inside a loop, as a search runs them, against the same networks bare.

Run as `python -m benchmarks.layouts --json FILE`, on an otherwise idle machine. All forms of a network take
turns. "bare" is the network alone in a program, "loop" the network inside a scan as it is, "ours" the same
with its convolutions rewritten by `fooljax.engine.channels_last`, as `fooljax` puts it into its loops.
Gradients are those with respect to the images.
"""

import argparse
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.timing import interleaved, machine, spread, told
from fooljax.engine.channels_last import channels_last
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import file_of

MUST = 0.8
"""Of the bare speed."""
STEPS = 2
"""Of one loop."""
Network = Callable[[Any, jax.Array], jax.Array]


def convolution(x: jax.Array, kernel: jax.Array, stride: int, channels: int) -> jax.Array:
    """SAME padding; `channels` is the axis of the channels, 1 or 3; the kernel is `[O, K, h, w]`."""
    if channels == 1:
        spec = ("NCHW", "OIHW", "NCHW")
    else:
        spec, kernel = ("NHWC", "HWIO", "NHWC"), kernel.transpose(2, 3, 1, 0)
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=spec)


def along(vector: jax.Array, channels: int) -> jax.Array:
    """A vector of channels, to be added to images."""
    return vector[None, :, None, None] if channels == 1 else vector[None, None, None, :]


def pool(x: jax.Array, size: int, stride: int, channels: int) -> jax.Array:
    """Max-pooling with SAME padding."""
    window = [size if axis not in (0, channels) else 1 for axis in range(4)]
    strides = [stride if axis not in (0, channels) else 1 for axis in range(4)]
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "SAME")


def small(channels: int) -> tuple[Any, Network]:
    """Two convolutions with pooling, and a dense layer, for 28 x 28 grey images."""
    keys = jax.random.split(jax.random.key(0), 3)
    params = {
        "first": 0.1 * jax.random.normal(keys[0], (16, 1, 5, 5)),
        "second": 0.1 * jax.random.normal(keys[1], (32, 16, 5, 5)),
        "dense": 0.1 * jax.random.normal(keys[2], (7 * 7 * 32, 10)),
    }

    def apply(params: Any, images: jax.Array) -> jax.Array:
        x = images.transpose(0, 3, 1, 2) if channels == 1 else images
        for name in ("first", "second"):
            x = pool(jax.nn.relu(convolution(x, params[name], 1, channels)), 2, 2, channels)
        return x.reshape(x.shape[0], -1) @ params["dense"]

    return params, apply


STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))


def resnet18(channels: int) -> tuple[Any, Network]:
    """ResNet-18 (He et al. 2015) with random weights, batch norm as scale and offset."""
    keys = iter(jax.random.split(jax.random.key(0), 32))

    def drawn(features: int, inputs: int, size: int) -> dict[str, jax.Array]:
        deviation = (2.0 / (inputs * size**2)) ** 0.5
        return {
            "kernel": deviation * jax.random.normal(next(keys), (features, inputs, size, size)),
            "scale": jnp.full(features, 0.7),
            "offset": jnp.full(features, 0.1),
        }

    params: dict[str, Any] = {"stem": drawn(64, 3, 7)}
    inputs = 64
    for stage, (features, _) in enumerate(STAGES):
        for block in (0, 1):
            params[f"{stage}.{block}.a"] = drawn(features, inputs, 3)
            params[f"{stage}.{block}.b"] = drawn(features, features, 3)
            if inputs != features:
                params[f"{stage}.{block}.skip"] = drawn(features, inputs, 1)
            inputs = features
    params["dense"] = 0.04 * jax.random.normal(next(keys), (512, 1000))

    def layer(params: Any, x: jax.Array, stride: int) -> jax.Array:
        x = convolution(x, params["kernel"], stride, channels)
        return x * along(params["scale"], channels) + along(params["offset"], channels)

    def apply(params: Any, images: jax.Array) -> jax.Array:
        x = images.transpose(0, 3, 1, 2) if channels == 1 else images
        x = pool(jax.nn.relu(layer(params["stem"], x, 2)), 3, 2, channels)
        for stage, (_, stride) in enumerate(STAGES):
            for block in (0, 1):
                name, step = f"{stage}.{block}", stride if block == 0 else 1
                inside = layer(params[f"{name}.b"], jax.nn.relu(layer(params[f"{name}.a"], x, step)), 1)
                skip = params.get(f"{name}.skip")
                x = jax.nn.relu(inside + (x if skip is None else layer(skip, x, step)))
        return jnp.mean(x, axis=(2, 3) if channels == 1 else (1, 2)) @ params["dense"]

    return params, apply


NETWORKS: dict[str, tuple[Callable[[int], tuple[Any, Network]], tuple[int, ...]]] = {
    "small": (small, (256, 28, 28, 1)),
    "resnet18": (resnet18, (4, 112, 112, 3)),
}
LAYOUTS = {"NCHW": 1, "NHWC": 3}


def gradient_of(apply: Network) -> Network:
    """The gradient of the first logit with respect to the images."""

    def gradient(params: Any, images: jax.Array) -> jax.Array:
        return jax.grad(lambda images: jnp.sum(apply(params, images)[:, 0]))(images)

    return gradient


def looped(function: Network) -> Callable[[Any, jax.Array], jax.Array]:
    """`STEPS` of it in a scan, each on other images."""

    def loop(params: Any, images: jax.Array) -> jax.Array:
        def step(carry: jax.Array, _: None) -> tuple[jax.Array, None]:
            return 1e-6 * jnp.mean(function(params, images + carry)), None

        return lax.scan(step, jnp.float32(0.0), length=STEPS)[0]

    return loop


def measure(name: str, layout: str, what: str, repeats: int) -> dict[str, Any]:
    """One network in one layout, forward or gradient."""
    build, shape = NETWORKS[name]
    params, apply = build(LAYOUTS[layout])
    function = apply if what == "forward" else gradient_of(apply)
    images = jax.random.uniform(jax.random.key(1), shape)
    forms = {
        "bare": jax.jit(function),
        "loop": jax.jit(looped(function)),
        "ours": jax.jit(looped(channels_last(function))),
    }
    expected = np.asarray(forms["bare"](params, images))
    found = np.asarray(jax.jit(channels_last(function))(params, images))
    calls = {form: (lambda run=run: run(params, images)) for form, run in forms.items()}
    seconds = {form: np.asarray(times) for form, times in interleaved(calls, repeats).items()}
    each = {form: times / (1 if form == "bare" else STEPS) for form, times in seconds.items()}
    return {
        "network": name,
        "layout": layout,
        "what": what,
        "images": shape[0],
        "largest_difference": float(np.max(np.abs(found - expected)) / np.max(np.abs(expected))),
        "loop_over_bare": spread(each["bare"] / each["loop"]),
        "ours_over_bare": spread(each["bare"] / each["ours"]),
        **{f"{form}_images_per_second": spread(shape[0] / times) for form, times in each.items()},
    }


def main() -> None:
    """Measures every network, layout and form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json", type=file_of("a JSON object"), metavar="FILE", help="write the numbers here"
    )
    parser.add_argument("--repeats", type=int, default=7, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "rows": []}
    for name in arguments.networks:
        for layout in LAYOUTS:
            for what in ("forward", "gradient") if name == "small" else ("forward",):
                row = measure(name, layout, what, arguments.repeats)
                report["rows"].append(row)
                ratio = row["ours_over_bare"]["median"]
                print(
                    f"{name} {layout} {what}: {row['bare_images_per_second']['median']:,.0f} images/s bare; "
                    f"in a loop {row['loop_over_bare']['median']:.2f} of it as it is, "
                    f"{told(row['ours_over_bare'])} as fooljax puts it there, "
                    f"must be {MUST}: {'met' if ratio >= MUST else 'MISSED'}",
                    flush=True,
                )
    if arguments.json:
        write_json(arguments.json, report)


if __name__ == "__main__":
    main()
