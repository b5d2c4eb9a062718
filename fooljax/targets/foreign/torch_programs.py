"""Programs of `torch.export`: what must be known of one before it can be asked, and why no file is opened.

`torch.export.load` unpickles what a file holds, with nothing left out, and so runs any code that somebody has
put there. A program that is there as an object was opened by its owner.
"""

from pathlib import Path
from typing import Any, NoReturn

from fooljax.errors import InputError
from fooljax.storage.reading import name_of

ENDINGS = (".pt2", ".pt", ".pth")
"""Of files of PyTorch, which hold pickles."""


def refuse_file(path: Path | str, **settings: Any) -> NoReturn:
    """Says why a file of PyTorch is not opened.

    Args:
      path: of the file.
      **settings: what was said of it, which does not matter.
    Raises:
      InputError: always.
    """
    raise InputError(
        f"{name_of(Path(path))}: opening a file of PyTorch can run code that is hidden in it, so fooljax "
        "opens none; open it in a Python file of your own, make a target of it with "
        "fooljax.targets.foreign.from_torch, and give FILE:NAME in place of it"
    )


def opened(program: Any) -> tuple[Any, int | None]:
    """A program as a module, and how many images it takes.

    Args:
      program: a `torch.export.ExportedProgram`.
    Returns:
      The module, and the one size of batch that it was exported for; None where it takes any.
    Raises:
      InputError: it takes something else than one array, or was exported in training mode.
    """
    names = list(program.graph_signature.user_inputs)
    shapes = [node.meta["val"].shape for node in program.graph.nodes if node.name in names]
    if len(shapes) != 1 or not len(shapes[0]):
        raise InputError(f"program: expected one input, a batch of images, got {len(shapes)}")
    for node in program.graph.nodes:
        if node.op == "call_function" and _trains(node):
            raise InputError(
                f"program: its {node.target} was exported in training mode; call eval() on the module and "
                "export it again"
            )
    batch = shapes[0][0]
    return program.module(), batch if isinstance(batch, int) else None


def _trains(node: Any) -> bool:
    """Whether a node is a dropout or a batch norm in training mode: a switch of theirs says so."""
    schema = node.target._schema if hasattr(node.target, "_schema") else None
    names = [one.name for one in schema.arguments] if schema is not None else []
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    return any(given.get(name) is True for name in ("train", "training"))


def in_batches_of(module: Any, size: int) -> Any:
    """A module that takes any number of images, of one that takes just so many.

    Args:
      module: of PyTorch.
      size: of its batches.
    Returns:
      A function of tensors `[B, ...]`: it is asked in parts, the last of which is filled up with zeros.
    """
    import torch

    def function(images: Any) -> Any:
        missing = -len(images) % size
        filled = torch.cat([images, images.new_zeros((missing, *images.shape[1:]))])
        return torch.cat([module(part) for part in filled.split(size)])[: len(images)]

    return function
