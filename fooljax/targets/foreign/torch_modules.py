"""Networks of PyTorch as targets: asked on the host, with gradients where something follows them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.engine.types import Target, checked_shape
from fooljax.errors import InputError, first_line, shown
from fooljax.importing import import_extra
from fooljax.targets.foreign.callbacks import differentiable
from fooljax.targets.foreign.on_host import hosted_target
from fooljax.targets.foreign.torch_programs import in_batches_of, opened
from fooljax.targets.preprocessing import Preprocessing, Said, settled

Array = npt.NDArray[np.float32]


def from_torch(
    module: Any,
    *,
    image_shape: tuple[int, int, int],
    preprocessing: Said = None,
    class_names: tuple[str, ...] = (),
    name: str | None = None,
) -> Target:
    """A target of a PyTorch module, which PyTorch runs where the module lies, in as many threads as it has.

    A search asks it between two generations, in batches. Gradient ascent, and all else that follows
    gradients, asks PyTorch for them from inside the compiled program. The module is not changed.

    Args:
      module: a `torch.nn.Module` in evaluation mode, or a `torch.export.ExportedProgram` of one. It takes one
        tensor and gives one.
      image_shape: `(H, W, K)` of the images that are evolved.
      preprocessing: what happens to an image before the module sees it, and to its outputs after, as a
        `Preprocessing` or a dict of its fields. By default `[B, K, H, W]` in [0, 1], and logits.
      class_names: `C` names, where there are any.
      name: a short name; the module's class by default.
    Returns:
      The target.
    Raises:
      InputError: it is no such module, it is in training mode, it does not take such images, or does not
        give a tensor `[B, C]`.
      FaultError: PyTorch is not installed.
    """
    torch = import_extra("torch", "torch", "the package torch", "torch")
    function: Callable[[Any], Any]
    if isinstance(module, torch.export.ExportedProgram):
        weights, made_of = module.state_dict, "exported program"
        function, batch = opened(module)
        if batch is not None:
            function = in_batches_of(function, batch)
    elif isinstance(module, torch.nn.Module):
        weights, made_of, function = module.state_dict(), type(module).__name__, module
        if training := [path for path, part in module.named_modules() if part.training]:
            where = f", as {shown(training[0])} is" if training[0] else ""
            raise InputError(f"module: expected one in evaluation mode{where}; call its eval() first")
    else:
        raise InputError(
            "module: expected a torch.nn.Module or a torch.export.ExportedProgram, got "
            f"{type(module).__name__}"
        )
    network = TorchNetwork(function, *_place(weights))
    shape, said = checked_shape(image_shape), settled(Preprocessing(layout="nchw"), preprocessing)
    count = _count_outputs(network, said, shape)
    return hosted_target(
        network.forward,
        _digest(weights),
        framework=f"torch {torch.__version__}",
        name=name if name is not None else made_of,
        image_shape=shape,
        preprocessing=said,
        class_names=class_names,
        traced=differentiable(network.forward, network.backward, count),
    )


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A module as functions of NumPy arrays.

    Attributes:
      module: a function of one tensor.
      device: where its weights are.
      dtype: of its weights.
    """

    module: Callable[[Any], Any]
    device: Any
    dtype: Any

    def forward(self, inputs: Array) -> Array:
        """The outputs `[B, ...]` of inputs `[B, ...]`."""
        import torch

        with torch.inference_mode():
            return self._numbers(self._tensor(self.module(self._given(inputs))))

    def backward(self, inputs: Array, weights: Array) -> Array:
        """The gradient of the weighted sum of the outputs, see `callbacks.differentiable`."""
        import torch

        given = self._given(inputs).requires_grad_(True)
        with torch.enable_grad():
            outputs = self._tensor(self.module(given))
            (gradient,) = torch.autograd.grad(
                outputs, given, torch.from_numpy(weights).reshape(outputs.shape).to(outputs)
            )
        return self._numbers(gradient)

    def _given(self, inputs: Array) -> Any:
        import torch

        return torch.from_numpy(np.ascontiguousarray(inputs)).to(self.device, self.dtype)

    def _tensor(self, outputs: Any) -> Any:
        import torch

        if not isinstance(outputs, torch.Tensor):
            raise InputError(
                f"module: expected a tensor of logits, got {type(outputs).__name__}; wrap the module in one "
                "that gives its logits alone"
            )
        return outputs

    def _numbers(self, tensor: Any) -> Array:
        numbers: Array = tensor.detach().float().cpu().numpy()
        return numbers


def _place(weights: Any) -> tuple[Any, Any]:
    """The device and the type of a module's first floating-point weights."""
    import torch

    tensors = [one for one in weights.values() if isinstance(one, torch.Tensor) and one.is_floating_point()]
    return (tensors[0].device, tensors[0].dtype) if tensors else (torch.device("cpu"), torch.float32)


def _count_outputs(network: TorchNetwork, said: Preprocessing, shape: tuple[int, int, int]) -> int:
    """How many numbers the module gives for an image."""
    try:
        outputs = network.forward(said.inputs(np.zeros((2, *shape), np.float32)))
    except InputError:
        raise
    except Exception as error:  # a module may raise anything
        raise InputError(f"module: failed on 2 black images {list(shape)}: {first_line(error)}") from error
    said.logits(outputs)
    return int(np.prod(outputs.shape[1:]))


def _digest(weights: Any) -> str:
    """SHA-256 of a state dict: names, types and numbers."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        if isinstance(tensor, torch.Tensor):
            flat = tensor.detach().cpu().contiguous()
            digest.update(f"{flat.dtype} {list(flat.shape)}".encode())
            digest.update(flat.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
