"""Modules of PyTorch: its own logits and its own gradients, asked on the host."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fooljax
from fooljax.errors import FaultError, InputError
from fooljax.targets.foreign import from_torch

SHAPE = (6, 5, 3)
IMAGES = np.random.default_rng(0).random((7, *SHAPE), np.float32)


def test_without_the_package_it_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(FaultError, match=r"^torch: .* pip install 'fooljax\[torch\]' brings it$"):
        from_torch(None, image_shape=SHAPE)


@pytest.fixture(scope="module")
def module():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(48, 5)
    )
    net(
        torch.from_numpy(20.0 * IMAGES.transpose(0, 3, 1, 2) - 3.0)
    )  # so that running averages are not 0 and 1
    return net.eval()


def expected(module, images):
    import torch

    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))).numpy()


def logits(target, images):
    return target.apply(target.params, images)


def test_logits_are_those_of_the_module(module):
    target = from_torch(module, image_shape=SHAPE, class_names=tuple("abcde"))
    np.testing.assert_allclose(logits(target, IMAGES), expected(module, IMAGES), atol=1e-5)
    assert (target.name, target.image_shape, target.class_names) == ("Sequential", SHAPE, tuple("abcde"))
    assert target.provenance["framework"].startswith("torch ")


def test_what_is_said_of_images_is_done_to_them(module):
    how = {"mean": (0.5, 0.4, 0.3), "deviation": (0.2, 0.3, 0.4), "layout": "nchw"}
    target = from_torch(module, image_shape=SHAPE, preprocessing=how)
    ready = ((IMAGES - how["mean"]) / how["deviation"]).astype(np.float32)
    np.testing.assert_allclose(logits(target, IMAGES), expected(module, ready), atol=1e-4)


def test_the_gradient_is_that_of_the_module(module):
    import torch

    target = from_torch(module, image_shape=SHAPE, preprocessing={"range": (-1, 1), "layout": "nchw"})
    slope = jax.jit(jax.grad(lambda images: target.apply(target.params, images)[:, 2].sum()))(IMAGES)
    given = torch.from_numpy(IMAGES).requires_grad_(True)
    module(2.0 * given.permute(0, 3, 1, 2) - 1.0)[:, 2].sum().backward()
    np.testing.assert_allclose(slope, given.grad, atol=1e-5)


def test_it_is_fooled_by_evolution_and_by_its_gradient(module):
    target = from_torch(module, image_shape=SHAPE)
    result = fooljax.evolve(target, fooljax.encodings.direct(SHAPE), key=0, generations=3)
    scored = fooljax.score(target, result.images[0]).diagonal()
    np.testing.assert_allclose(scored, result.log_odds[0], atol=1e-3)
    started, climbed = (fooljax.ascend(target, [1], key=0, iterations=steps).log_odds for steps in (1, 40))
    assert np.all(climbed > started)


def test_networks_of_other_weights_differ(module):
    import copy

    other = copy.deepcopy(module)
    same = copy.deepcopy(module)
    other[-1].bias.data += 1.0
    digests = [
        from_torch(each, image_shape=SHAPE).provenance["params_sha256"] for each in (module, same, other)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_half_precision_and_no_weights_at_all(module):
    import copy

    import torch

    half = from_torch(copy.deepcopy(module).bfloat16(), image_shape=SHAPE)
    np.testing.assert_allclose(logits(half, IMAGES), expected(module, IMAGES), atol=0.3)
    pooled = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    np.testing.assert_allclose(
        logits(from_torch(pooled.eval(), image_shape=SHAPE), IMAGES), IMAGES.mean((1, 2)), atol=1e-5
    )


def test_a_module_in_training_is_refused(module):
    import copy

    part = copy.deepcopy(module)
    part[3].train()
    with pytest.raises(InputError, match=r"^module: expected one in evaluation mode, as 3 is; call its eval"):
        from_torch(part, image_shape=SHAPE)
    with pytest.raises(InputError, match=r"^module: expected one in evaluation mode; call its eval"):
        from_torch(part.train(), image_shape=SHAPE)
    assert part.training, "it was not changed"


def test_dropout_that_stays_on_is_found(module):
    import torch

    class Always(torch.nn.Module):
        def forward(self, images):
            return 100.0 * module(torch.nn.functional.dropout(images, 0.5, training=True))

    with pytest.raises(InputError, match="switch batch norm and dropout to inference"):
        fooljax.evolve(
            from_torch(Always().eval(), image_shape=SHAPE),
            fooljax.encodings.direct(SHAPE),
            key=0,
            generations=1,
        )


def test_what_is_wrong_is_one_line(module):
    import torch

    class Two(torch.nn.Module):
        def forward(self, images):
            return {"logits": module(images)}

    for told, network, shape in (
        (r"^module: expected a torch\.nn\.Module or .*, got function$", logits, SHAPE),
        (r"^module: failed on 2 black images \[6, 5, 1\]: RuntimeError: ", module, (6, 5, 1)),
        (r"^module: expected a tensor of logits, got dict; wrap the module", Two().eval(), SHAPE),
        (r"^target: expected outputs \[B, C\], a row for each image", torch.nn.Identity().eval(), SHAPE),
        (r"^image_shape: expected \(H, W, K\)", module, (6, 5)),
    ):
        with pytest.raises(InputError, match=told) as caught:
            from_torch(network, image_shape=shape)
        assert "\n" not in str(caught.value)


def test_one_logit_becomes_two_classes(module):
    import torch

    binary = torch.nn.Sequential(module, torch.nn.Linear(5, 1)).eval()
    target = from_torch(binary, image_shape=SHAPE, preprocessing={"binary": True})
    found = logits(target, IMAGES)
    np.testing.assert_array_equal(found[:, 0], 0.0)
    np.testing.assert_allclose(found[:, 1], expected(binary, IMAGES)[:, 0], atol=1e-5)
    slope = jax.grad(lambda images: target.apply(target.params, images)[:, 1].sum())
    assert jnp.max(jnp.abs(jax.jit(slope)(IMAGES))) > 0.0
