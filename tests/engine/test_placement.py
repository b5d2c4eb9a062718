"""Where computations run: on the parameters' device, in the form that suits its platform."""

import re
from pathlib import Path

import jax
import pytest
from elsewhere import place
from virtual_devices import printed_on

from fooljax.engine.placement import default_products, everywhere, mesh_of
from fooljax.errors import InputError

SCRIPT = """
import hashlib, sys
import jax, jax.numpy as jnp, numpy as np
import toys
from fooljax.encodings import cppn
from fooljax.scoring import score
from fooljax.evolution import search
from fooljax.gradient import ascend_images
from fooljax.strategies import map_elites

encoding = cppn((6, 6, 1), max_nodes=8, max_connections=12)
strategy = map_elites(encoding, batch_size=8)

def digest(target, device):
    found = search(target, encoding, strategy, key=jax.random.key(0), generations=2)
    odds = score(target, found.images()[0])
    ascent = ascend_images(target, np.full((2, 6, 6, 1), 0.5, np.float32), [0, 1], iterations=2)
    assert ascent.images.devices() == {device}, ascent.images.devices()
    arrays = jax.tree.leaves((found.archive, odds, ascent))
    return hashlib.sha256(b"".join(np.asarray(array).tobytes() for array in arrays)).hexdigest()

target = toys.target()
first, *others = jax.devices()
found = {"as it is": digest(target, first)}
if others:
    second = others[0]
    for kind in (jax.sharding.AxisType.Auto, jax.sharding.AxisType.Explicit):
        mesh = jax.make_mesh((2,), ("devices",), axis_types=(kind,))
        for name, spec in (("replicated", ()), ("sharded", ("devices",))):
            parts = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec))
            found[f"{name} {kind}"] = digest(jax.device_put(target, parts), first)
    found["on the second"] = digest(jax.device_put(target, second), second)
    apart = dict(target.params, out=jax.device_put(target.params["out"], second))
    found["on both"] = digest(target.replace(params=apart), first)
    found["NumPy"] = digest(jax.tree.map(np.asarray, target), first)
    with jax.default_device(second):
        found["NumPy, the second by default"] = digest(jax.tree.map(np.asarray, target), second)
assert len(set(found.values())) == 1, found
text = jax.jit(jax.vmap(encoding.render, (0, None))).lower(
    jax.vmap(encoding.init)(jax.random.split(jax.random.key(0), 4)), encoding.coordinates()
).as_text()
assert "xla_cpu_small_call" in text, "not the serial form"
print(found["as it is"])
"""


@pytest.mark.slow
def test_a_second_device_changes_nothing_and_parameters_may_lie_anywhere():
    """Archive, scores and ascents are the same bit for bit, and CPPNs are drawn in the same form."""
    assert printed_on(2, SCRIPT) == printed_on(1, SCRIPT)


@pytest.mark.parametrize("folder", ["fooljax", "experiments"])
def test_one_file_asks_for_platforms(folder):
    """A program is for the platform that it is compiled for, which need not be the default one."""
    asks = re.compile(r"default_backend|platform_dependent|device_count|local_devices|jax\.devices\(")
    files = sorted((Path(__file__).parents[2] / folder).rglob("*.py"))
    assert files
    found = {path.name for path in files if asks.search(path.read_text())}
    assert found == ({"placement.py"} if folder == "fooljax" else set())


@pytest.mark.parametrize(
    "devices", [0, -1, 1000, "two", "2", "", True, None, 2.5, [], [1], jax.devices() * 2]
)
def test_wrong_devices_are_told_in_a_line(devices):
    with pytest.raises(InputError, match=r"^devices: expected ") as caught:
        mesh_of(devices)
    assert "\n" not in str(caught.value)
    if isinstance(devices, int | str):
        assert f"from 1 to {len(jax.devices())}, " in str(caught.value)
        assert str(caught.value).endswith(f"got {devices}" if devices != "" else "got ''")


@pytest.mark.parametrize("devices", [1, "all", jax.devices()])
def test_a_mesh_is_of_the_devices_asked_for(devices):
    mesh = mesh_of(devices)
    assert list(mesh.devices) == jax.devices()[: mesh.size]
    assert mesh.size == (1 if devices == 1 else len(jax.devices()))
    assert everywhere(mesh).is_fully_replicated


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (place("cpu"), "float32"),
        (place("tpu"), "bfloat16"),
        (place("gpu", compute_capability="9.0"), "TF32"),
        (place("gpu", compute_capability="7.5"), "float32"),
        (place("gpu", compute_capability="gfx942"), "not known"),
        (place("gpu"), "not known"),
    ],
)
def test_what_devices_round_products_to(at, expected):
    assert default_products(at) == expected
