"""Random pictures are what they are called, and what networks say of them is tabulated."""

import numpy as np
import pytest

import fooljax
from experiments import random_pictures as experiment
from fooljax import data, study
from fooljax.analysis.rays import factor_needed, log_odds_along
from fooljax.errors import InputError
from fooljax.report import random_pictures as report
from fooljax.study.random_pictures import SOURCES, pictures

QUICK = ("uniform_noise", "gaussian_noise", "direct_1000", "normal_like", "between", "clean")
"""All but CPPNs, whose programs are long."""


@pytest.fixture(scope="module")
def digits():
    return data.load("embedded")


@pytest.mark.parametrize("source", QUICK)
def test_the_same_seed_gives_the_same_pictures(digits, source):
    one, again, other = (pictures(source, digits, 6, seed) for seed in (1, 1, 2))
    assert one.shape == (6, 28, 28, 1)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert len(np.unique(one.reshape(6, -1), axis=0)) == 6


def test_normal_pictures_have_the_mean_and_the_spread_of_digits(digits):
    drawn = pictures("normal_like", digits, 800, 0).astype(float)
    clean = digits.train_images.astype(float)
    # What is below black is clipped, so the darkest pixels become brighter.
    bright = clean.mean(axis=0) > 100
    assert np.abs(drawn.mean(axis=0) - clean.mean(axis=0))[bright].max() < 25
    centre = (slice(None), 14, 14, 0)
    assert np.std(drawn[centre]) == pytest.approx(np.std(clean[centre]), rel=0.3)


def test_a_mixture_is_halfway_between_two_digits_of_different_classes(digits):
    mixed = pictures("between", digits, 3, 0).astype(int)
    images, labels = digits.test_images.astype(int), digits.test_labels
    for one in mixed:
        pairs = [
            (first, second)
            for first in np.flatnonzero(np.all(2 * one + 1 >= images, axis=(1, 2, 3)))
            for second in np.flatnonzero(np.abs(2 * one - images[first] - images).max(axis=(1, 2, 3)) <= 1)
        ]
        assert pairs
        assert any(labels[first] != labels[second] for first, second in pairs)


def test_an_unknown_source_is_one_line(digits):
    with pytest.raises(InputError, match=r"^source: expected one of uniform_noise, .*; did you mean clean\?"):
        pictures("claen", digits, 1, 0)


def test_along_a_ray_a_linear_network_is_surer_with_every_step():
    def network(weights, images):
        return images.reshape(images.shape[0], -1) @ weights

    target = fooljax.as_target(network, np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32))
    images = np.random.default_rng(1).integers(0, 256, (5, 4, 4, 1), np.uint8)
    odds = log_odds_along(target, images, (0.0, 1.0, 10.0, 1000.0))
    assert np.allclose(odds[:, 0], -np.log(2.0))
    assert np.all(np.diff(odds, axis=1) > 0)
    assert np.allclose(odds[:, 1], fooljax.score(target, images).max(axis=1), atol=1e-5)
    assert factor_needed(odds, (0.0, 1.0, 10.0, 1000.0), odds[0, 2])[0] == 10.0
    assert np.isinf(factor_needed(odds, (0.0, 1.0, 10.0, 1000.0), np.inf)).all()


def test_a_black_box_has_no_rays_and_other_data_no_pictures(digits, tmp_path):
    target = fooljax.host_target(lambda images: np.zeros((len(images), 3)), class_names=("a", "b", "c"))
    with pytest.raises(InputError, match=r"^target: expected a network that JAX can run"):
        log_odds_along(target, np.zeros((1, 4, 4, 1), np.uint8), (1.0,))
    images, labels = np.zeros((300, 4, 4, 1), np.uint8), np.arange(300) % 2
    np.savez(tmp_path / "train.npz", images=images, labels=labels)
    np.savez(tmp_path / "test.npz", images=images, labels=labels)
    config = experiment.Config(networks="lenet-0", draws=1, count=4, data=f"npz:{tmp_path}")
    monkeyed = study.Study(**{**vars(experiment.STUDY), "tasks": lambda *a: list(experiment.tasks(*a))[1:2]})
    with pytest.raises(InputError, match=r"^data: expected images of \(28, 28, 1\) and 10 classes"):
        study.run(monkeyed, config, tmp_path / "out", say=lambda line: None)


def test_shares_rays_and_pictures_are_reported(tmp_path, monkeypatch):
    some = {name: SOURCES[name] for name in QUICK}
    for module in ("fooljax.study.random_pictures", "experiments.random_pictures"):
        monkeypatch.setattr(f"{module}.SOURCES", some)
    monkeypatch.setattr(report, "NAMES", {name: SOURCES[name][1] for name in QUICK})
    monkeypatch.setattr(experiment, "FACTORS", (1.0, 10.0))
    config = experiment.Config(networks="lenet-0", draws=1, count=40)
    rows = study.run(experiment.STUDY, config, tmp_path / "out", say=lambda line: None)
    shares = [row for row in rows if row["kind"] == "shares"]
    for row in shares:
        clean, noise = (row["sources"][name]["raw"]["0.99"] for name in ("clean", "gaussian_noise"))
        assert clean > 0.8 > noise
        assert sum(row["sources"]["clean"]["classes"]) == 40
    for row in (row for row in rows if row["kind"] == "rays"):
        assert row["share_ever_999"] >= row["clipped_share_999"]
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| uniform noise |" in text
    assert "### Along rays" in text
    found = report.findings(rows)
    assert found["clean_9999"].value.estimate == shares[0]["sources"]["clean"]["raw"]["0.9999"]
    assert {"uniform_noise_9999", "uniform_noise_rays", "clean_rays"} <= set(found)
    for name in ("pictures.png", "rays.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow  # it draws random CPPNs
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert experiment.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    for _, name in SOURCES.values():
        assert f"| {name} |" in (tmp_path / "out" / "table.md").read_text()
