"""EfficientNet-Lite0 against PyTorch on the same card: channels last, TF32, eager and compiled."""

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.device.report import Found, Wanted
from benchmarks.small_networks import GOLDEN
from benchmarks.timing import interleaved, spread
from fooljax.targets import imagenet

NAME, SIDE = "efficientnet-lite0", 224
AIM = 1.5
"""Times PyTorch's images a second."""


def photographs(batch: int, repeats: int) -> Found:
    """Ours against PyTorch's, on the same images, taking turns."""
    if importlib.util.find_spec("torch") is None:
        return Found("torch is not installed", {"installed": False})
    import torch

    levels = np.random.default_rng(0).random((batch, SIDE, SIDE, 3), np.float32)
    params, images = imagenet.load(NAME).params["network"], jnp.asarray(levels)
    functions: dict[str, Callable[[], Any]] = {
        "ours": partial(jax.jit(imagenet.network(NAME).apply), params, images)
    }
    notes = {}
    for name, is_compiled in (("torch", False), ("torch.compile", True)):
        try:
            function = _torch(levels, is_compiled)
            function()
        except Exception as error:  # torch.compile needs a compiler of the machine's
            notes[name] = f"{type(error).__name__}: {str(error)[:300]}"
        else:
            functions[name] = function
    rates = {
        name: spread(batch / np.asarray(times)) for name, times in interleaved(functions, repeats).items()
    }
    best = max((rates[name]["median"] for name in rates if name != "ours"), default=float("nan"))
    ratio = rates["ours"]["median"] / best
    figures = {"batch": batch, "torch": torch.__version__, "images_per_second": rates, "failed": notes}
    line = ", ".join(f"{name} {rate['median']:,.0f} images/s" for name, rate in rates.items())
    return Found(line, figures, (Wanted("times the faster of PyTorch's", ratio, least=AIM),))


def _torch(levels: np.ndarray[Any, Any], is_compiled: bool) -> Callable[[], None]:
    """PyTorch's forward of all images, waited for."""
    import torch

    sys.path.insert(0, str(GOLDEN))
    import make_imagenet as theirs

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True

    def placed(value: Any) -> Any:
        value = value.to(device)
        return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value

    loaded = torch.load(imagenet.packaged_weights(NAME), weights_only=True)
    state = {name: placed(value) for name, value in loaded.items()}
    inputs = placed(torch.from_numpy(levels).permute(0, 3, 1, 2))
    function = torch.compile(theirs.lite) if is_compiled else theirs.lite

    def run() -> None:
        with torch.inference_mode():
            function(state, inputs)
        if device == "cuda":
            torch.cuda.synchronize()

    return run
