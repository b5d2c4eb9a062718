"""Programs of torch.export: taken as objects; files, which can run code, are never opened."""

import io
import os
import zipfile

import jax
import numpy as np
import pytest

from fooljax.errors import InputError
from fooljax.targets.foreign import from_torch
from fooljax.targets.foreign.torch_programs import refuse_file

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def test_a_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.pt2").write_bytes(b"anything")
    with pytest.raises(
        InputError, match=r"a\.pt2: opening a file of PyTorch can run code .* give FILE:NAME in place of it$"
    ):
        refuse_file(tmp_path / "a.pt2")


@pytest.fixture(scope="module")
def module():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(48, 5)
    ).eval()


@pytest.fixture(scope="module")
def given():
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2)))


@pytest.mark.parametrize("batch", [None, 1, 2, 7, 9])
def test_logits_and_gradients_are_those_of_the_module_at_any_batch(module, given, batch):
    import torch

    example = torch.zeros(batch or 3, 3, 6, 5)
    dynamic = {"dynamic_shapes": ({0: torch.export.Dim("B")},)} if batch is None else {}
    program = torch.export.export(module, (example,), **dynamic)
    target, plain = (from_torch(each, image_shape=SHAPE) for each in (program, module))
    assert target.name == "exported program"
    np.testing.assert_allclose(
        target.apply(target.params, IMAGES), plain.apply(plain.params, IMAGES), atol=1e-5
    )
    slopes = [
        jax.jit(jax.grad(lambda images, each=each: each.apply(each.params, images)[:, 2].sum()))(IMAGES)
        for each in (target, plain)
    ]
    np.testing.assert_allclose(*slopes, atol=1e-5)


def test_a_program_in_training_mode_is_refused(module):
    import copy

    import torch

    program = torch.export.export(copy.deepcopy(module).train(), (torch.zeros(2, 3, 6, 5),))
    with pytest.raises(InputError, match=r"^program: its aten\.batch_norm\.default was exported in training"):
        from_torch(program, image_shape=SHAPE)


class Hostile:
    """What runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_opening_such_a_file_does_run_what_is_hidden_in_it(module, tmp_path):
    """The reason for the refusal; where this fails one day, such files can be taken."""
    import torch

    program = torch.export.export(module, (torch.zeros(2, 3, 6, 5),))
    torch.export.save(program, tmp_path / "whole.pt2")
    hidden = io.BytesIO()
    torch.save(Hostile(str(tmp_path / "ran")), hidden)
    with (
        zipfile.ZipFile(tmp_path / "whole.pt2") as whole,
        zipfile.ZipFile(tmp_path / "hostile.pt2", "w") as hostile,
    ):
        for part in whole.infolist():
            inputs = "sample_inputs" in part.filename
            hostile.writestr(part.filename, hidden.getvalue() if inputs else whole.read(part))
    with pytest.raises(Exception, match=r".*"):
        torch.export.load(tmp_path / "hostile.pt2")
    assert (tmp_path / "ran").exists()
