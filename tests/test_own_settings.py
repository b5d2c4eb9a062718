"""The user's settings of JAX change nothing that fooljax computes, and its failures are one line."""

import functools
import os
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toy_study
import toys

import fooljax
from fooljax import own_settings, study
from fooljax.data import load
from fooljax.errors import FaultError
from fooljax.own_settings import with_own_settings
from fooljax.scoring import score
from fooljax.targets import pretrained, trained

IMAGES = np.arange(72, dtype=np.uint8).reshape(2, 6, 6, 1)


@functools.cache
def network():
    """Made once, since the user's settings hold where it is made."""
    return toys.target().replace(image_shape=(6, 6, 1), class_names=tuple("abcd"))


def computed():
    """What a search, an ascent and a scoring give."""
    found = fooljax.evolve(network(), toys.ENCODING, toys.STRATEGY, key=0, generations=2)
    ascent = fooljax.ascend(network(), key=0, iterations=2)
    return found.log_odds, ascent.images, score(network(), IMAGES)


@pytest.fixture(scope="module")
def expected():
    return computed()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_disable_jit", True),
        ("jax_debug_infs", True),
        ("jax_debug_key_reuse", True),
        ("jax_numpy_dtype_promotion", "strict"),
        ("jax_transfer_guard", "disallow"),
    ],
)
def test_a_setting_of_the_user_is_replaced_told_once_and_put_back(name, value, expected, caplog):
    own_settings._tell.cache_clear()
    with own_settings._SET[name](value):
        found = computed()
        assert getattr(jax.config, name) == value
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert [line.getMessage() for line in caplog.records if name in line.getMessage()] == [
        f"{name} is {value}; fooljax computes with {own_settings.NEEDED[name]}"
    ]


def test_a_mesh_of_the_user_changes_nothing(expected):
    mesh = jax.make_mesh((1,), ("mine",))
    with jax.set_mesh(mesh):
        found = computed()
        assert jax.sharding.get_abstract_mesh().axis_names == ("mine",)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.fixture
def wide():
    """64-bit types are switched on, as by `JAX_ENABLE_X64=1`."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def test_networks_at_hand_are_read_with_64_bit_types_too(wide, idx_folder):
    told = []
    networks = [pretrained(), trained(load(f"idx:{idx_folder}"), on_training=told.append)]
    assert told == []
    assert {leaf.dtype.name for leaf in jax.tree.leaves([each.params for each in networks])} == {"float32"}


def test_runs_are_opened_and_saved_with_64_bit_types_too(wide, finished, tmp_path):
    opened, kinds = fooljax.open_run(finished), []
    assert opened.archive.genomes.dtype == np.float32
    assert opened.first_images.shape == opened.images.shape
    kept = replace(opened, write=lambda _: kinds.append(jnp.zeros(()).dtype))
    kept.save(tmp_path / "run")
    assert kinds == [np.float32]


def test_a_study_knows_its_rows_again_with_64_bit_types(tmp_path):
    def rows():
        return study.run(toy_study.STUDY, toy_study.Config(seeds=1), tmp_path / "s", say=lambda _: None)

    narrow = rows()
    jax.config.update("jax_enable_x64", True)
    try:
        assert rows() == narrow
    finally:
        jax.config.update("jax_enable_x64", False)


def test_no_memory_is_one_line_and_a_bug_keeps_its_kind():
    @with_own_settings
    def failing(error):
        raise error

    with pytest.raises(FaultError, match=r"^out of memory: RESOURCE_EXHAUSTED: 9 bytes$"):
        failing(jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 bytes"))
    for bug in (KeyError("a"), jax.errors.JaxRuntimeError("INTERNAL: a")):
        with pytest.raises(type(bug)) as caught:
            failing(bug)
        assert caught.value is bug


def test_no_device_is_one_line():
    source = (
        "import fooljax\n"
        "target, encoding = lambda images: images[:, 0, :, 0], fooljax.encodings.direct((6, 6, 1))\n"
        "try:\n    fooljax.evolve(target, encoding, key=0, generations=1)\n"
        "except fooljax.errors.FaultError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "JAX_PLATFORMS": "rocm"}
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.startswith("JAX_PLATFORMS=rocm: expected a device that JAX can use, found none (")
    assert done.stdout.count("\n") == 1
