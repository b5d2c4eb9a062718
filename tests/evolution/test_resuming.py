"""What a checkpoint must agree in with the search that goes on from it, and what is refused."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from searches import KEY, assert_same, given_genomes, rewritten, run
from toys import ENCODING, STRATEGY, logits, target

from fooljax.encodings import direct, fixed_cppn
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.strategies import focused, map_elites


def test_a_checkpoint_of_another_search_is_refused(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    with pytest.raises(InputError, match=r"generation-000000010.npz: expected a checkpoint with key"):
        run(checkpoints=tmp_path, resume=True, key=jax.random.key(1))
    with pytest.raises(InputError, match=r"expected a checkpoint with cells \[1, 2\], found \[0, 1, 2, 3\]"):
        run(checkpoints=tmp_path, resume=True, cells=[1, 2])


CHANGED_PROGRAM = "the program of a generation is not the one"


OTHERS = {
    "another network": ({"target": target(1)}, "the target's parameters are not"),
    "the same parameters in another network": (
        {"target": target().replace(apply=lambda params, images: logits(params, 0.5 * images))},
        CHANGED_PROGRAM,
    ),
    "another rate of mutation": ({"encoding": direct((6, 6, 1), mutation_rate=0.2)}, CHANGED_PROGRAM),
    "another schedule": ({"encoding": direct((6, 6, 1), halving_generations=10)}, CHANGED_PROGRAM),
    "a strategy of the same name": (
        {"strategy": STRATEGY._replace(ask=focused(ENCODING, batch_size=16).ask)},
        CHANGED_PROGRAM,
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_network_or_other_settings_is_refused(tmp_path, name):
    changes, message = OTHERS[name]
    encoding = changes.get("encoding", ENCODING)
    settings = {"target": target(), "strategy": map_elites(encoding, batch_size=16), **changes}
    settings["encoding"] = encoding
    run(checkpoints=tmp_path, generations=10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=message):
        search(**settings, key=KEY, runs=2, generations=20, checkpoints=tmp_path, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("coordinates", ["raw", "scaled"])
def test_coordinates_belong_to_what_is_resumed(tmp_path, coordinates):
    settings = {"target": target(), "key": KEY, "checkpoints": tmp_path, "strategy": "random_search"}
    search(encoding=fixed_cppn((6, 6, 1), coordinates="raw"), generations=1, **settings)
    encoding = fixed_cppn((6, 6, 1), coordinates=coordinates)
    if coordinates == "raw":
        assert search(encoding=encoding, generations=2, resume=True, **settings).generations == 2
    else:
        with pytest.raises(InputError, match="the encoding's coordinates are not"):
            search(encoding=encoding, generations=2, resume=True, **settings)


def test_what_decides_random_bits_belongs_to_what_is_resumed(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()

    def made_by_another_release(name, facts):
        facts["jax"] = "0.1.2"
        return True

    rewritten(path, made_by_another_release)
    with pytest.raises(InputError, match=r"expected a checkpoint with jax [0-9.]+, found 0.1.2"):
        run(checkpoints=tmp_path, resume=True)


def test_the_generator_of_random_bits_belongs_to_what_is_resumed(tmp_path):
    run(checkpoints=tmp_path, generations=1)
    with (
        jax.default_prng_impl("rbg"),
        pytest.raises(InputError, match="a checkpoint with jax_default_prng_impl rbg, found threefry2x32"),
    ):
        run(checkpoints=tmp_path, generations=1, resume=True)


def test_the_precision_of_products_belongs_to_what_is_resumed(tmp_path):
    with jax.default_matmul_precision("default"):
        run(checkpoints=tmp_path, generations=10)
    with (
        jax.default_matmul_precision("highest"),
        pytest.raises(
            InputError, match="a checkpoint with jax_default_matmul_precision highest, found default"
        ),
    ):
        run(checkpoints=tmp_path, resume=True)


def test_how_many_images_a_search_began_with_belongs_to_what_is_resumed(tmp_path):
    run(checkpoints=tmp_path / "few", init_size=5, generations=10)
    with pytest.raises(InputError, match="expected a checkpoint with init_size 16, found 5"):
        run(checkpoints=tmp_path / "few", resume=True)
    run(checkpoints=tmp_path / "plain", generations=10)
    with pytest.raises(InputError, match="expected a checkpoint with init_size 5, found 16"):
        run(checkpoints=tmp_path / "plain", resume=True, init_size=5)
    with pytest.raises(InputError, match="expected a checkpoint with init_"):
        run(checkpoints=tmp_path / "plain", resume=True, init_genomes=given_genomes(5))


def test_a_folder_of_another_search_is_not_written_into(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="holds those of another search"):
        run(checkpoints=tmp_path, generations=5, key=jax.random.key(1))
    with pytest.raises(InputError, match=r"^generations: expected 10 or more, as many as are done, got 5"):
        run(checkpoints=tmp_path, generations=5, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_network_that_calls_python_cannot_be_compared_which_is_told(tmp_path, caplog):
    def calling(params, images):
        shape = jax.ShapeDtypeStruct(images.shape, jnp.float32)
        return logits(params, jax.pure_callback(lambda x: np.asarray(x), shape, images))

    settings = {"encoding": ENCODING, "target": target().replace(apply=calling), "strategy": STRATEGY}
    search(**settings, key=KEY, generations=1, checkpoints=tmp_path)
    assert "calls Python" not in caplog.text
    search(**settings, key=KEY, generations=2, checkpoints=tmp_path, resume=True)
    assert "calls Python, and what is called there cannot be compared" in caplog.text


def test_another_device_is_told(tmp_path, caplog, whole):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()

    def made_elsewhere(name, facts):
        facts["device"] = "abacus: wood"
        return True

    rewritten(path, made_elsewhere)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    assert "begun with device abacus: wood, goes on with cpu" in caplog.text


def test_a_checkpoint_of_an_older_version_goes_on_and_says_what_it_lacks(tmp_path, caplog, whole):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()
    kept = ("key", "cells", "init_size", "encoding", "strategy", "batch_size", "seconds_search")

    def as_before(name, facts):
        for fact in set(facts) - {*kept, "seconds_compile"}:
            del facts[fact]
        return name != "metrics/nan" and not name.startswith("state/first/")

    rewritten(path, as_before)
    found = run(checkpoints=tmp_path, resume=True)
    assert_same(whole, found)
    assert "params_sha256" in caplog.text
    assert "program_sha256" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree, facts: tree["metrics"].update(generation=np.float32(7)), "expected metrics/generation"),
        (lambda tree, facts: tree["metrics"].update(queries=np.zeros((9, 9))), "expected metrics/queries"),
        (lambda tree, facts: tree["metrics"].pop("queries"), "expected metrics/queries, found no such entry"),
        (lambda tree, facts: facts.pop("seconds_search"), "expected the seconds spent"),
        (lambda tree, facts: facts.update(seconds_search="long"), "expected the seconds spent"),
        (
            lambda tree, facts: tree["state"]["archive"]["genomes"].__setitem__((0, 1), np.nan),
            "genome 1: expected finite numbers in",
        ),
        (lambda tree, facts: tree["state"].pop("queries"), "expected state/queries"),
    ],
)
def test_a_whole_checkpoint_that_is_none_of_a_search_is_one_line(tmp_path, change, message):
    run(checkpoints=tmp_path, generations=10)
    newest = Checkpoints(tmp_path).paths()[0]
    arrays, kinds, facts = load_arrays(newest)
    tree = {}
    for name, array in arrays.items():
        *path, last = name.split("/")
        branch = tree
        for part in path if path[0] == "state" else path[:1]:
            branch = branch.setdefault(part, {})
        if path[0] == "metrics":
            last = name.removeprefix("metrics/")
        branch[last] = jax.random.wrap_key_data(array) if kinds[name].startswith("key") else array
    change(tree, facts)
    save_tree(newest, tree, facts)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        run(checkpoints=tmp_path, resume=True)
    assert newest.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "words"), [("0.1.9", "fooljax 0.1.9 wrote it"), (None, "an older version")]
)
def test_programs_of_another_version_are_not_compared_which_is_told(tmp_path, caplog, whole, version, words):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()

    def by_another_version(name, facts):
        facts |= {"fooljax": version, "program_sha256": "0" * 64}
        if version is None:
            del facts["fooljax"]
        return True

    rewritten(path, by_another_version)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    assert words in caplog.text
    assert "cannot be compared" in caplog.text
    with pytest.raises(InputError, match="expected a checkpoint with cells"):
        run(checkpoints=tmp_path, resume=True, cells=[1, 2])


def test_a_run_of_another_platform_is_refused_by_its_name(tmp_path):
    run(checkpoints=tmp_path, generations=10)
    [path] = Checkpoints(tmp_path).paths()
    platform = jax.devices()[0].platform

    def made_elsewhere(name, facts):
        facts |= {"device": "abacus: wood", "program_sha256": "0" * 64}
        return True

    rewritten(path, made_elsewhere)
    with pytest.raises(InputError, match=f"the same platform, {platform}, .* begun on abacus$"):
        run(checkpoints=tmp_path, resume=True)
