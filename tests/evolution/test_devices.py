"""Several devices share the work of one search: on CPUs any number of them gives the same archive."""

import json

import jax
import numpy as np
import pytest
from searches import KEY, assert_same, run
from toys import ENCODING
from virtual_devices import printed_on

from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.host_targets import host_target
from fooljax.strategies import map_elites

STRATEGY = map_elites(ENCODING, batch_size=13)
two_devices = pytest.mark.skipif(len(jax.devices()) < 2, reason="needs two devices")


@pytest.mark.optimised
@two_devices
def test_two_devices_give_the_archive_of_one_also_when_the_search_goes_on_on_one(tmp_path, caplog):
    one = run(strategy=STRATEGY, generations=20, devices=1)
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 1

    part = run(strategy=STRATEGY, generations=20, devices=2, checkpoints=tmp_path, stop=stop)
    assert (part.completed, part.generations) == (False, 10)
    rest = run(strategy=STRATEGY, generations=20, devices=1, checkpoints=tmp_path, resume=True)
    assert_same(one, rest)
    assert not caplog.text
    run(strategy=STRATEGY, generations=20, checkpoints=tmp_path, resume=True)
    assert "begun with sharding children, goes on with none" in caplog.text


@pytest.mark.slow
@pytest.mark.optimised
@two_devices
def test_a_target_that_is_asked_on_the_host_may_have_several_devices():
    weights = np.random.default_rng(0).normal(size=(36, 4)).astype(np.float32)
    target = host_target(lambda images: images.reshape(len(images), -1) @ weights)
    found = [
        search(target, ENCODING, STRATEGY, key=KEY, generations=3, runs=2, devices=count) for count in (1, 2)
    ]
    assert_same(*found)


@pytest.mark.parametrize("devices", [0, "two", 1000, []])
def test_wrong_devices_are_refused_before_anything_is_compiled(devices):
    with pytest.raises(InputError, match=r"^devices: expected "):
        run(devices=devices)


SCRIPT = """
import hashlib, json, sys, tempfile
import jax, numpy as np
from toys import target
from fooljax.encodings import cppn, direct
from fooljax.evolution import search
from fooljax.strategies import STRATEGIES

pixels, network = direct((6, 6, 1)), cppn((6, 6, 1), max_nodes=8, max_connections=12)
found = {}

def do(name, encoding, children, devices, **more):
    strategy = STRATEGIES[name].build(encoding, batch_size=children)
    settings = {"key": jax.random.key(3), "generations": 20, "runs": 2, "check_target": False}
    return search(target(), encoding, strategy, devices=devices, **settings, **more)

def note(case, devices, result):
    arrays = jax.tree.leaves((result.archive, result.first, result.metrics))
    digest = hashlib.sha256(b"".join(np.asarray(array).tobytes() for array in arrays)).hexdigest()
    found.setdefault(case, {})[devices] = digest

for name, encoding, children, counts in (
    ("map_elites", pixels, 13, (1, 2, 3, 4, 8)),
    ("rank_ea", pixels, 7, (1, 8)),
    ("evosax.Sep_CMA_ES", pixels, 28, (1, 8)),
    ("focused", network, 7, (1, 8)),
    ("refined", network, 13, (1, 4)),
):
    for count in counts:
        note(f"{name}, {encoding.name}", str(count), do(name, encoding, children, count))
with tempfile.TemporaryDirectory() as folder:
    turns = iter((False, True))
    do("map_elites", pixels, 13, 2, checkpoints=folder, stop=lambda: next(turns))
    note("map_elites, direct", "2, then 4", do("map_elites", pixels, 13, 4, checkpoints=folder, resume=True))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_one_to_eight_devices_give_the_same_archive():
    """Programs as users compile them; numbers of children that no number of devices divides."""
    found = json.loads(printed_on(8, SCRIPT, JAX_DISABLE_MOST_OPTIMIZATIONS="0"))
    assert sum(map(len, found.values())) == 14
    for case, digests in found.items():
        assert len(set(digests.values())) == 1, (case, digests)
