"""Networks of other frameworks as targets: are the logits right, how fast are they, are there gradients?

Run as `python -m benchmarks.foreign_networks --json FILE`. It wants the extra `foreign`, and whatever of
onnxruntime, jaxonnxruntime and torchax shall be measured; routes whose package is missing are left out and
named. The speed of a route is that of scoring 8-bit images, against the framework's own forward of the same
batch, which is given inputs that are ready. The two take turns, and a ratio is the median of those.
"""

import argparse
import importlib.util
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import torch

import fooljax
from benchmarks import foreign_jax, foreign_torch
from benchmarks.foreign_jax import Measured
from benchmarks.timing import interleaved, machine, spread, told
from fooljax.engine.types import checked_shape
from fooljax.errors import first_line
from fooljax.evolution import search
from fooljax.host_targets import HostFunction
from fooljax.storage.json_files import read_json, write_json
from fooljax.storage.outputs import file_of
from fooljax.targets import foreign
from fooljax.targets.preprocessing import Preprocessing

BATCHES = {"MNIST CNN": 200, "small ViT": 4, "MobileNet v2": 4, "ResNet-18": 4}
"""Images of a batch."""
GENERATIONS = 30
"""Of the whole search with the network for digits."""
MODULES = {"dm-haiku": "haiku"}
FIRST = Preprocessing(layout="nchw")
OF_TORCH = ("from_torch", "from_torch, exported", "from_onnx", "jaxonnxruntime", "torchax")
"""Routes of one PyTorch module, which is what each of them is held against."""


LINES = {"from_torch, exported": 3, "from_onnx": 3, "jaxonnxruntime": 6, "torchax": 4}
"""Lines of code from a network to a target, imports included; 2 for the other routes."""


def torch_routes(name: str, folder: Path) -> Iterator[tuple[str, Callable[[], Measured]]]:
    """The ways in which a network of PyTorch becomes a target."""
    module = foreign_torch.made(name)
    shape = foreign_torch.NETWORKS[name][1]
    height, width, channels = shape
    examples = (torch.zeros(2, channels, height, width),)
    batch = ({0: torch.export.Dim("batch")},)

    def own(inputs: Any) -> Any:
        with torch.inference_mode():
            return module(inputs)

    def of(target: fooljax.Target) -> Measured:
        return Measured(target, own, channels_first=True)

    def saved() -> Path:
        path = folder / f"{name.replace(' ', '-')}.onnx"
        if not path.exists():
            torch.onnx.export(module, examples, path, dynamic_shapes=batch, dynamo=True, verbose=False)
        return path

    def by_jaxonnxruntime() -> Measured:
        import onnx
        from jaxonnxruntime import call_onnx

        model = onnx.load(saved())
        entry = model.graph.input[0].name
        function, params = call_onnx.call_onnx_model(model, {entry: examples[0].numpy()})
        return of(_compiled(lambda params, inputs: function(params, {entry: inputs})[0], params, shape))

    def by_torchax() -> Measured:
        import torchax

        params, function = torchax.extract_jax(module)
        return of(_compiled(lambda params, inputs: function(params, (inputs,)), params, shape))

    def exported() -> Measured:
        program = torch.export.export(module, examples, dynamic_shapes=batch)
        return of(foreign.from_torch(program, image_shape=shape))

    yield "from_torch", lambda: of(foreign.from_torch(module, image_shape=shape))
    yield "from_torch, exported", exported
    yield "from_onnx", lambda: of(foreign.from_onnx(saved(), image_shape=shape))
    yield "jaxonnxruntime", by_jaxonnxruntime
    yield "torchax", by_torchax


def _compiled(function: Callable[..., Any], params: Any, shape: tuple[int, int, int]) -> fooljax.Target:
    """A target of a function that a converter made, of inputs with channels first."""
    return fooljax.as_target(
        lambda params, images: FIRST.logits(function(params, FIRST.inputs(images))),
        jax.tree.map(jnp.asarray, params),
        image_shape=shape,
    )


def measure(name: str, route: str, made: Callable[[], Measured], repeats: int) -> dict[str, Any]:
    """A row of one route."""
    row: dict[str, Any] = {"network": name, "route": route, "load": machine()["load_at_start"]}
    try:
        return row | _measured(name, route, made, repeats)
    except Exception as error:  # of any framework
        return row | {"works": False, "reason": first_line(error)}


def _measured(name: str, route: str, made: Callable[[], Measured], repeats: int) -> dict[str, Any]:
    begun = time.perf_counter()
    measured, batch = made(), BATCHES[name]
    target, shape = measured.target, checked_shape(measured.target.image_shape)
    hosted = target.apply if isinstance(target.apply, HostFunction) else None
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *shape), dtype=np.uint8)
    levels = pixels.astype(np.float32) / np.float32(255.0)
    ready = np.ascontiguousarray(levels.transpose(0, 3, 1, 2)) if measured.channels_first else levels
    inputs: Any = torch.from_numpy(ready) if route in OF_TORCH else jnp.asarray(ready)
    program = jax.jit(lambda params, pixels: target.apply(params, pixels.astype(jnp.float32) / 255.0))

    def ours() -> Any:
        return program(target.params, pixels) if hosted is None else hosted.of_pixels(pixels, batch)

    found, expected = np.asarray(ours()), np.asarray(measured.own(inputs))
    row = {
        "works": True,
        "in_the_program": hosted is None,
        "batch": batch,
        "image_shape": list(shape),
        "ready_seconds": time.perf_counter() - begun,
        "largest_logit": float(np.max(np.abs(expected))),
        "difference": float(np.max(np.abs(found - expected))),
        "gradients": _has_gradient(target, levels),
    }
    seconds = interleaved({"own": lambda: measured.own(inputs), "ours": ours}, repeats)
    row["share_of_its_speed"] = spread(np.asarray(seconds["own"]) / np.asarray(seconds["ours"]))
    row["images_per_second"] = spread(batch / np.asarray(seconds["ours"]))
    if name == "MNIST CNN":
        row["search_evaluations_per_second"] = spread(_search(target, shape))
    return row


def _has_gradient(target: fooljax.Target, levels: Any) -> bool:
    """Whether a logit has a derivative that is finite and not 0."""

    def height(images: jax.Array) -> jax.Array:
        return jnp.sum(target.apply(target.params, images)[:, 1])

    try:
        slope = np.asarray(jax.jit(jax.grad(height))(jnp.asarray(levels[:2])))
    except Exception:
        return False
    return bool(np.all(np.isfinite(slope)) and np.max(np.abs(slope)) > 0.0)


def _search(target: fooljax.Target, shape: tuple[int, int, int]) -> list[float]:
    """Evaluations a second of a whole search with pixels, chunk by chunk, after the first."""
    found: list[float] = []
    encoding = fooljax.encodings.direct(shape)
    search(
        target,
        encoding,
        fooljax.strategies.map_elites(encoding, batch_size=200),
        key=0,
        generations=GENERATIONS,
        chunk=GENERATIONS // 6,
        on_chunk=lambda progress: found.append(progress.evaluations_per_second),
    )
    return found[1:]


def _versions() -> dict[str, str]:
    packages = ("torch", "keras", "equinox", "dm-haiku", "onnxruntime", "jaxonnxruntime", "torchax")
    return {name: version(name) for name in packages if importlib.util.find_spec(MODULES.get(name, name))}


def main() -> None:
    """Measures every route."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--json",
        type=file_of("a JSON object"),
        metavar="FILE",
        help="write the numbers here; what the file says of other routes stays",
    )
    parser.add_argument("--repeats", type=int, default=7, help="interleaved repetitions, 7 or more to report")
    parser.add_argument("--networks", nargs="*", default=list(BATCHES), choices=list(BATCHES), help="which")
    parser.add_argument("--routes", nargs="*", help="which routes; all by default")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = {}
    if arguments.json and arguments.json.exists():
        rows = {(row["network"], row["route"]): row for row in read_json(arguments.json)["rows"]}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.networks:
            routes = dict(torch_routes(name, Path(folder)))
            routes |= {route: made for (of, route), made in foreign_jax.ROUTES.items() if of == name}
            for route, made in routes.items():
                if arguments.routes and route not in arguments.routes:
                    continue
                rows[name, route] = row = measure(name, route, made, arguments.repeats)
                if row["works"]:
                    share = told(row["share_of_its_speed"])
                    print(f"{name}, {route}: {share} of its speed, apart {row['difference']:.1e}", flush=True)
                else:
                    print(f"{name}, {route}: {row['reason']}", flush=True)
                if arguments.json:
                    _write(arguments.json, rows)


def _write(path: Path, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    used = {"threads": torch.get_num_threads(), "versions": _versions()}
    ordered = [
        {**row, "lines": LINES.get(route, 2)}
        for network in BATCHES
        for (of, route), row in rows.items()
        if of == network
    ]
    write_json(path, {"machine": {**machine(), **used}, "rows": ordered})


if __name__ == "__main__":
    main()
