"""Whole audits of a small network: sound, faulty, able to reject, behind a detector, and killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from small_network import NAMES, SHAPE, clean, faulty, logits, network, of_batch, on_host, probabilities

import fooljax
from fooljax.audits.record import read_audit
from fooljax.detectors import fit, rejecting, seen_of_clean
from fooljax.errors import InputError
from fooljax.scoring import score
from fooljax.targets.foreign import from_sklearn
from fooljax.targets.foreign.on_host import HIGHEST_LOG_ODDS

pytestmark = pytest.mark.slow
BUDGET = 4000
IMAGES, LABELS = clean(450)


def silent(line):
    del line


def audited(folder, target=None, images=IMAGES, labels=LABELS, budget=BUDGET, **more):
    target = network() if target is None else target
    return fooljax.audit(target, images, labels, outdir=folder, budget=budget, say=silent, **more)


def everything(folder, **changes):
    other = network(name="other")
    told = {"judges": {"other": other}, "seconds": {"other": other}, "detectors": "msp,energy"}
    return audited(folder, **told | changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An audit with everything, and what it found."""
    folder = tmp_path_factory.mktemp("audits") / "whole"
    return folder, everything(folder)


def rows(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "rows").iterdir())}


def test_the_file_is_what_was_found_and_what_its_reader_takes(whole):
    folder, found = whole
    assert json.loads((folder / "audit.json").read_text(encoding="utf-8")) == found
    audit = read_audit(folder)
    assert audit.network.classes == 4
    assert {one.generator for one in audit.attacks if one.knows is None} >= {
        *("direct", "cppn", "gradient", "random_search_direct", "random_search_cppn"),
        *("uniform_noise", "gaussian_noise", "random_cppn"),
    }
    assert {one.knows for one in audit.attacks} == {None, "msp", "energy"}
    assert [one.name for one in audit.judges] == ["other"]
    assert {one.network for one in audit.transfer} == {"other"}
    assert (folder / "index.html").exists()


def test_figures_are_those_of_the_saved_pictures(whole):
    folder, found = whole
    for line in found["classes"]:
        picture = np.asarray(Image.open(folder / line["image"]))[None, ..., None]
        odds = score(network(), picture)[0, line["index"]]
        assert odds == pytest.approx(line["log_odds"], abs=1e-3)


def test_what_was_spent_is_counted_and_within_the_budget(whole):
    _, found = whole
    *attacks, apart = found["budget"]
    assert sum(line["total"] for line in attacks) <= BUDGET
    spent = sum(one["passes"] * one["runs"] for one in found["attacks"])
    assert found["cost"]["passes"] == pytest.approx(spent + apart["total"], abs=400)


def test_the_same_call_again_changes_nothing(whole):
    folder, found = whole
    before = rows(folder)
    assert everything(folder) == found
    assert rows(folder) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 9000}, "expected a row with"),
        ({"labels": (LABELS + 1) % 4}, r"^images: the audit in .* was begun with other images or labels"),
        ({"target": network().replace(params=network().params * 1.5)}, "begun with another network"),
    ],
)
def test_another_audit_in_the_same_folder_is_refused_in_one_line(whole, change, message):
    folder, _ = whole
    before = rows(folder)
    with pytest.raises(InputError, match=message) as caught:
        everything(folder, **change)
    assert "\n" not in str(caught.value)
    assert rows(folder) == before


@pytest.mark.parametrize(
    ("target", "check"),
    [(faulty(probabilities), "outputs"), (faulty(of_batch), "batches")],
)
def test_a_faulty_network_is_found_out_and_audited_all_the_same(tmp_path, target, check):
    found = audited(tmp_path / "faulty", target, detectors="none")
    assert [one["name"] for one in found["checks"] if one["passed"] is False] == [check]
    assert "faulty" in found["verdict"][0]
    assert check in found["verdict"][0]
    surest = max(line["log_odds"] for line in found["classes"])
    assert surest > 2.0  # log-odds of the logarithms, and not of probabilities, which end at 1


def test_a_network_of_another_library_with_ten_images_and_no_labels(tmp_path):
    found = audited(tmp_path / "few", on_host(), IMAGES[:10], None)
    assert found["data"]["accuracy"] is None
    assert found["thresholds"]["tau95"] is None
    assert found["detectors"] == []
    untested = " ".join(found["not_tested"])
    for words in ("has a label", "95 and 99 %", "300 clean images", "no gradients"):
        assert words in untested
    assert read_audit(tmp_path / "few").thresholds.tau99 is None


def test_of_a_network_that_gives_no_numbers_that_is_all_that_is_found(tmp_path):
    target = on_host(lambda params, images: np.full((len(images), 4), np.nan, np.float32))
    found = audited(tmp_path / "nan", target)
    assert "fails the check numbers" in found["verdict"][0]
    assert found["attacks"] == []
    assert read_audit(tmp_path / "nan").verdict == tuple(found["verdict"])


def test_detectors_of_a_network_of_another_library_see_its_logits(tmp_path):
    found = audited(tmp_path / "host", on_host(), detectors="energy")
    (detector,) = found["detectors"]
    assert detector["knowing"]
    assert {one["generator"] for one in found["attacks"] if one["knows"]} == {"cppn"}


def rejecting_network():
    """The network of halves with a class for images that are darker than clean ones."""

    def apply(params, images):
        four = logits(params, images)
        dark = 40.0 * (0.35 - images.mean(axis=(1, 2, 3)))
        return jnp.concatenate([four, dark[:, None]], axis=1)

    return network(class_names=(*NAMES, "none of these")).replace(apply=apply)


def test_a_class_that_rejects_is_no_class_to_be_fooled_for(tmp_path):
    found = audited(tmp_path / "reject", rejecting_network(), reject="none of these", detectors="none")
    assert sorted(line["name"] for line in found["classes"]) == sorted(NAMES)
    made = {one["generator"]: one["images"] / one["runs"] for one in found["attacks"]}
    assert 1 <= made.pop("gradient") <= 4  # as many as the budget has steps for
    assert set(made.values()) == {4}


def test_a_network_behind_a_detector_is_audited_as_one_that_rejects(tmp_path):
    fitted = fit("energy", network(), seen_of_clean(network(), IMAGES, LABELS))
    level = float(np.quantile(fitted.scores(IMAGES), 0.95))
    target = rejecting(fitted, threshold=level, slope=5.0)
    found = audited(tmp_path / "guarded", target, detectors="none")
    assert "rejected" not in [line["name"] for line in found["classes"]]
    best = {line["index"]: line["log_odds"] for line in found["classes"]}
    assert sorted(best) == [0, 1, 2, 3]


def test_several_networks_at_once_are_refused_in_one_line(tmp_path):
    joint = fooljax.joint_target(network(), network(name="other"))
    with pytest.raises(InputError, match="target: expected one network, got several"):
        audited(tmp_path / "joint", joint)


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import test_audit
test_audit.everything({folder!r})
"""


def test_a_killed_audit_goes_on_and_ends_with_the_same_figures(whole, tmp_path):
    folder = tmp_path / "killed"
    program = PROGRAM.format(tests=str(Path(__file__).parent), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", program])
    while process.poll() is None and len(list(folder.glob("rows/attack*"))) < 4:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    killed_with = set(rows(folder))
    found, before = everything(folder), whole[1]
    assert killed_with < set(rows(folder))
    for name in ("attacks", "classes", "detectors", "judges", "verdict", "thresholds"):
        assert found[name] == before[name]


def test_a_damaged_row_is_told_in_one_line(whole, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(whole[0], folder)
    path = folder / "rows" / "clean.json"
    path.write_bytes(path.read_bytes().replace(b'"asked": ', b'"asked": 1'))
    with pytest.raises(InputError, match=r"clean.json: .* damaged or was changed; delete this file"):
        everything(folder)


def test_a_network_whose_probabilities_come_in_steps_is_judged_by_its_clean_images(tmp_path):
    class Steps:
        """Eight bits for each probability, as a quantised file has them."""

        def predict_proba(self, images):
            raw = np.asarray(probabilities(network().params, jnp.asarray(images, jnp.float32)))
            return np.rint(raw * 256.0) / 256.0

    how = {"layout": "nhwc", "outputs": "probabilities", "floor": 1 / 512 / 4}
    target = from_sklearn(Steps(), image_shape=SHAPE, preprocessing=how, class_names=NAMES)
    found = audited(tmp_path / "steps", target, detectors="none")
    assert max(line["log_odds"] for line in found["classes"]) <= target.provenance[HIGHEST_LOG_ODDS] + 1e-3
    assert found["verdict"][1].startswith("No image can have 99.99 %")
    assert "get through" in found["verdict"][4]
    assert "had the confidence of the median clean image" in found["strength"][0]
