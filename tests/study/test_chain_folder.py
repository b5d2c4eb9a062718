"""Chains of retraining in a folder, with searches and trainings that are done in a moment."""

import dataclasses
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from fooljax.data.embedded import embedded_digits
from fooljax.defences.chains import Chain
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.study import chain_folder, rounds
from fooljax.study.chain_folder import Chains, Retraining
from fooljax.study.image_sets import ImageSets
from fooljax.study.rounds import attack_figures, round_figures
from fooljax.targets.training import RECIPES

HOW = Retraining(
    recipe=RECIPES["paper"],
    from_scratch=False,
    copies=2,
    generator="cppn",
    passes=400,
    first_images=240,
    more_images=40,
)
CHAIN, OTHER = Chain("lenet-0", 0), Chain("lenet-1", 0)


class Evolved:
    """In the place of an evolution: noise of the search's key, the same whenever it is asked for."""

    def __init__(self, key, generations, runs):
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key))[-1] + generations)
        self._images = rng.integers(0, 256, (runs, 10, 28, 28, 1), dtype=np.uint8)
        self.first = SimpleNamespace(ids=np.tile(np.arange(-1, 9), (runs, 1)))

    def images(self):
        return self._images


@pytest.fixture
def asked(monkeypatch):
    """Which searches and families there were."""
    asked = {"runs": [], "families": []}

    def search(target, encoding, strategy, *, key, generations, runs, cells, check_target):
        assert list(cells) == list(range(10))  # the fooling class is no class to aim at
        assert target.class_names[-1] == "fooling"
        asked["runs"] += [runs] if generations else []
        return Evolved(key, generations, runs)

    def fit_family(apply, recipe, members, images, labels):
        assert all(set(one.labels.tolist()) == {10} for one in members)
        asked["families"].append([len(one.images) for one in members])
        moved = 1e-6 * len(members[0].images)
        return [jax.tree.map(lambda leaf: leaf + moved, one.params) for one in members]

    monkeypatch.setattr(chain_folder, "search", search)
    monkeypatch.setattr(chain_folder, "fit_family", fit_family)
    return asked


def digests(chains, numbers):
    networks = [chains.network(CHAIN, number).provenance["params_sha256"] for number in numbers]
    return networks, [chains.round(CHAIN, number).digest for number in numbers]


def test_sets_grow_by_the_images_of_every_round(tmp_path, asked):
    chains = Chains(tmp_path, embedded_digits(), HOW)
    found = [chains.round(CHAIN, number) for number in (1, 2, 3)]
    assert asked["runs"] == [10, 2, 2, 2]  # 12 runs in blocks of ten, then 2 a round
    assert asked["families"] == [[2 * 240], [2 * (240 + 40)]]
    assert [len(one.images) for one in found] == [240, 40, 40]
    assert np.array_equal(found[1].images[:20].reshape(found[1].first.shape), found[1].first)
    assert found[1].reached.tolist() == [list(range(10))] * 2  # a class of a round was never fooled: 0
    assert chains.network(CHAIN, 1).provenance != chains.network(CHAIN, 2).provenance


def test_a_chain_goes_on_to_the_same_networks_and_images(tmp_path, asked):
    """Whatever a killed process has left: nothing, some of the files, or all of them."""
    whole = digests(Chains(tmp_path, embedded_digits(), HOW), (1, 2, 3))
    done = len(asked["runs"])
    assert digests(Chains(tmp_path, embedded_digits(), HOW), (1, 2, 3)) == whole
    assert len(asked["runs"]) == done
    for name in ("dnn2", "round2", "dnn3", "round1"):
        (tmp_path / CHAIN.name / f"{name}.npz").unlink()
        assert digests(Chains(tmp_path, embedded_digits(), HOW), (1, 2, 3)) == whole


def test_chains_that_have_got_as_far_are_trained_together(tmp_path, asked):
    data = embedded_digits()
    chains = Chains(tmp_path, data, HOW, [CHAIN, OTHER, Chain("mlp-0", 0), Chain("lenet-2", 1)])
    together = [chains.round(one, 1) for one in (CHAIN, OTHER)]
    assert not np.array_equal(together[0].last, together[1].last)
    chains.network(CHAIN, 2)
    assert asked["families"] == [[480, 480]]
    chains.network(OTHER, 2)
    assert len(asked["families"]) == 1
    alone = Chains(tmp_path / "alone", data, HOW).network(OTHER, 2)
    assert alone.provenance == chains.network(OTHER, 2).provenance


def test_files_of_other_settings_are_refused(tmp_path, asked):
    data = embedded_digits()
    Chains(tmp_path, data, HOW).round(CHAIN, 2)
    other = dataclasses.replace(HOW, copies=3)
    with pytest.raises(
        InputError, match=r"dnn2\.npz: expected one made with these settings, found another copies"
    ):
        Chains(tmp_path, data, other).network(CHAIN, 2)
    other = dataclasses.replace(HOW, passes=800)
    with pytest.raises(
        InputError, match=r"round1\.npz: expected one made with these settings, found another passes"
    ):
        Chains(tmp_path, data, other).round(CHAIN, 1)
    (tmp_path / CHAIN.name / "round2.npz").write_bytes(b"no such file")
    with pytest.raises(InputError, match=r"round2\.npz: expected an .npz file"):
        Chains(tmp_path, data, HOW).round(CHAIN, 2)


@pytest.mark.parametrize("start", ["knn", "resnet20", "lenet", "lenet-x"])
def test_a_network_that_cannot_be_trained_is_refused(tmp_path, start):
    with pytest.raises(InputError, match=r"^network: expected one that can be trained, as lenet-0"):
        Chains(tmp_path, embedded_digits(), HOW).network(Chain(start, 0), 1)


def test_what_does_not_fit_is_named(tmp_path, asked):
    data = embedded_digits()
    odd = dataclasses.replace(HOW, more_images=50)
    with pytest.raises(
        InputError, match=r"^more_images: expected a multiple of 20, what one run gives, got 50"
    ):
        Chains(tmp_path, data, odd).round(CHAIN, 2)
    wide = dataclasses.replace(data, train_images=np.pad(data.train_images, ((0, 0), (2, 2), (2, 2), (0, 0))))
    with pytest.raises(InputError, match=r"^data: expected images of \(28, 28, 1\) and 10 classes"):
        Chains(tmp_path, wide, HOW).network(CHAIN, 1)


def test_the_figures_of_a_round_are_those_of_its_images(tmp_path, asked):
    chains = Chains(tmp_path, embedded_digits(), HOW)
    first, second = (round_figures(chains, CHAIN, number) for number in (1, 2))
    assert (first["fooling_images"], second["fooling_images"]) == (0, 240)
    assert first["clean_rejected"] == first["new"]["taken"] == 0.0
    assert first["accuracy"] == first["accuracy_of_ten"] > 0.98
    assert [len(one["old"]) for one in (first, second)] == [0, 1]
    assert np.shape(first["log_odds"]) == np.shape(first["reached"]) == (12, 10)
    assert second["sheet_shape"] == (10, 28, 28, 1)


def test_a_network_that_rejects_is_met_with_its_class_and_threshold(tmp_path, asked):
    """Noise costs nothing, and shows that the image sets are those of two networks."""
    chains, sets = Chains(tmp_path, embedded_digits(), HOW), ImageSets(tmp_path / "sets")
    plain, strict = (
        attack_figures(chains, CHAIN, 2, sets, "uniform_noise", 400, rejects) for rejects in (None, "0.05")
    )
    assert plain["passes"] == strict["passes"] == 0
    assert plain["images_digest"] != strict["images_digest"]
    assert plain["new"]["passed"].keys() == strict["new"]["passed"].keys()
    digits, network = chains.dataset.test_images, chains.network(CHAIN, 2)
    before, after = (score(one, digits) for one in (network, rounds._rejecting(chains, network, 0.05)))
    assert np.mean(after.argmax(axis=1) == 10) == pytest.approx(0.05, abs=0.005)
    assert np.all(after[:, :10] <= before[:, :10])  # the class takes its part from all others
