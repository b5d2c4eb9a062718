"""A Python function on NumPy arrays as the target: the same search, asked on the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import ENCODING, STRATEGY, logits, target

import fooljax
from fooljax.errors import InputError
from fooljax.evolution import search
from fooljax.gradient import ascend_images
from fooljax.objectives import FOOL_FIRST_ONLY
from fooljax.probe import probe
from fooljax.scoring import score
from fooljax.strategies import focused, refined

PARAMS = jax.tree.map(np.asarray, target().params)
EXACT = jax.jit(logits)
"""The network's logits for a batch of one size are the same bits wherever they are worked out."""


def host(images):
    assert images.dtype == np.float32
    assert images.flags.writeable
    return np.asarray(EXACT(PARAMS, images))


def numpy_network(images):
    """As `toys.logits`, without JAX and in double precision; it changes what it is given."""
    flat = images.reshape(len(images), -1)
    found = np.tanh(flat.astype(np.float64) @ PARAMS["in"]) @ PARAMS["out"]
    images[:] = 0.0
    return found


def run(function=host, **changes):
    settings = {"key": 3, "generations": 20, "runs": 2, **changes}
    return search(fooljax.host_target(function), ENCODING, settings.pop("strategy", STRATEGY), **settings)


def assert_same(first, second):
    for a, b in zip(
        jax.tree.leaves((first.archive, first.first, first.strategy_state)),
        jax.tree.leaves((second.archive, second.first, second.strategy_state)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    for name in first.metrics:
        np.testing.assert_array_equal(first.metrics[name], second.metrics[name])


@pytest.fixture(scope="module")
def whole():
    return run()


def test_the_archive_is_that_of_the_same_network_in_jax(whole):
    compiled = search(target(), ENCODING, STRATEGY, key=3, generations=20, runs=2)
    np.testing.assert_array_equal(whole.archive.genomes, compiled.archive.genomes)
    np.testing.assert_array_equal(whole.archive.ids, compiled.archive.ids)
    np.testing.assert_array_equal(whole.archive.parents, compiled.archive.parents)
    np.testing.assert_allclose(whole.log_odds, compiled.log_odds, atol=1e-5)
    assert whole.metrics.keys() == compiled.metrics.keys()
    np.testing.assert_array_equal(whole.metrics["queries"], compiled.metrics["queries"])


def test_a_network_without_jax_finds_images_of_the_same_confidence():
    found = run(numpy_network, runs=1, generations=40)
    scored = score(target(), found.images()[0])
    np.testing.assert_allclose(np.diagonal(scored), found.log_odds[0], atol=1e-3)
    assert np.all(found.log_odds[0] > found.metrics["min_log_odds"][0, 0])


def test_a_run_among_others_is_the_run_alone(whole):
    alone = run(runs=1)
    np.testing.assert_array_equal(whole.archive.genomes[:1], alone.archive.genomes)
    np.testing.assert_array_equal(whole.log_odds[:1], alone.log_odds)


def test_stopped_and_resumed_it_ends_as_if_nothing_had_been(tmp_path, whole):
    calls = []

    def stop():
        calls.append(None)
        return len(calls) > 7

    part = run(checkpoints=tmp_path, stop=stop)
    assert (part.completed, part.generations) == (False, 7)
    assert_same(whole, run(checkpoints=tmp_path, resume=True))
    rows = []
    assert_same(whole, run(on_replacements=rows.append))
    assert sum(len(part.run) for part in rows) == whole.metrics["replacements"].sum()


def test_another_function_is_not_gone_on_with(tmp_path):
    run(checkpoints=tmp_path, generations=2)
    with pytest.raises(InputError, match="the target's function gives other logits than the one"):
        run(lambda images: host(images)[:, ::-1], checkpoints=tmp_path, resume=True)


def test_what_was_done_before_a_failure_is_kept(tmp_path, whole):
    calls = []

    def fails_later(images):
        calls.append(None)
        if len(calls) == 30:
            raise ConnectionError("the server\nhas gone")
        return host(images)

    with pytest.raises(InputError, match=r"^target: fails_later failed on images \[16, 6, 6, 1\]: C"):
        run(fails_later, checkpoints=tmp_path)
    assert list(tmp_path.iterdir())
    rest = run(checkpoints=tmp_path, resume=True)
    assert_same(whole, rest)


def test_given_genomes_are_evaluated_first():
    genomes = np.asarray(jax.vmap(ENCODING.init)(jax.random.split(jax.random.key(1), 5)))
    found = run(init_genomes=genomes, generations=1)
    assert found.metrics["queries"].tolist() == [[5, 21]] * 2


def test_it_is_scored_and_probed(whole):
    images = whole.images()[0]
    on_host = fooljax.host_target(host)
    np.testing.assert_allclose(score(on_host, images), score(target(), images), atol=1e-5)
    np.testing.assert_allclose(score(on_host, images, tile=3), score(target(), images), atol=1e-5)
    expected = probe(target(), (6, 6, 1)).logits
    np.testing.assert_allclose(probe(on_host, (6, 6, 1)).logits, expected, atol=1e-5)
    with pytest.raises(InputError, match=r"^target: an image's log-odds for class \d are "):
        run(lambda images: host(5.0 * (images - images.mean(axis=0, keepdims=True))))


def test_nan_never_enters(caplog):
    def sometimes_nan(images):
        return np.where(images[:, 0, 0, :] > 0.8, np.nan, host(images))

    found = run(sometimes_nan)
    assert found.metrics["nan"].sum() > 0
    assert np.all(np.isfinite(found.log_odds))
    assert found.images()[..., 0, 0, 0].max() <= 0.8 * 255
    assert "logits were NaN for" in caplog.text


def test_networks_in_and_out_of_jax_are_asked_together():
    joint = fooljax.joint_target(target(0), fooljax.host_target(host, name="the same"))
    assert joint.name == "network and the same"
    compiled = fooljax.joint_target(target(0), target(0))
    images = np.random.default_rng(0).integers(0, 256, (9, 6, 6, 1), dtype=np.uint8)
    of_each = [score(one, images, objective=FOOL_FIRST_ONLY) for one in (joint, compiled)]
    np.testing.assert_allclose(of_each[0], of_each[1], atol=1e-5)
    # No image can be a class for one network and not for the same network.
    assert np.all(of_each[0] <= 1e-5)


def test_gradients_are_refused_in_a_line():
    with pytest.raises(InputError, match=r"^target: host is a Python function .* has no gradient") as caught:
        run(strategy=refined(ENCODING, batch_size=8))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"^target: host is a Python function"):
        ascend_images(fooljax.host_target(host), jnp.full((1, 6, 6, 1), 0.5), [0], iterations=2)
    assert run(strategy=focused(ENCODING, batch_size=8), generations=1).generations == 1


def broken(images):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda images: host(images)[:1],
            r"give logits \[2, C\] of 2 images, got ndarray of shape \[1, 4\]",
        ),
        (lambda images: host(images)[0], r"got ndarray of shape \[4\]"),
        (lambda images: host(images)[:, :1], r"give logits of at least 2 classes, got 1$"),
        (lambda images: host(images).argmax(1), r"of shape \[2\]"),
        (lambda images: host(images).astype(int), "as floating-point numbers, got int64"),
        (lambda images: None, r"got NoneType of shape \[\]"),
        (lambda images: "no", r"got str of shape \[\]"),
        (lambda images: (), r"give logits as one array, got a tuple of 0$"),
        (lambda images: [[1.0], [1.0, 2.0]], r"expected <lambda> to give a NumPy array, got list"),
        (broken, r"broken failed on images \[2, 6, 6, 1\]: KeyError: 'weights'"),
        (lambda images: np.full((len(images), 4), np.nan), r"its logits are NaN for 8 of 8 images"),
        (
            lambda images: np.full((len(images), 4 if len(images) < 16 else 5), 1.0) + images[:, 0, 0],
            r"expected <lambda> to give logits of shape \(2, 16, 4\), got \(2, 16, 5\)",
        ),
    ],
)
def test_wrong_answers_are_one_line(function, message):
    with pytest.raises(InputError, match=f"^target: .*{message}") as caught:
        run(function)
    assert "\n" not in str(caught.value)


def test_only_a_function_is_taken():
    with pytest.raises(InputError, match=r"^function: expected a function on NumPy arrays, got int"):
        fooljax.host_target(3)
    assert fooljax.host_target(host).name == "host"
    with pytest.raises(InputError, match=r"^num_classes: expected facts of a target, which are name, image_"):
        fooljax.host_target(host, num_classes=10)
