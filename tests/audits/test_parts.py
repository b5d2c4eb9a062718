"""The user's images and passes are divided as is said: no image twice, and never more than the budget."""

import sys

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image
from small_network import NAMES, SHAPE, clean, network, on_host

import fooljax
from fooljax.analysis.thresholds import clean_thresholds
from fooljax.audits.audited import Audited, detectors_of, rejecting_class
from fooljax.audits.auditing import known_network
from fooljax.audits.budget import ascent_cells, divide_budget
from fooljax.audits.clean import LEAST_OF_THREE, checked_images, of_arrays, shape_of
from fooljax.audits.judge_step import MOST_SHOWN, shown_of
from fooljax.audits.levels import shares, thresholds_on
from fooljax.audits.reading import read_images
from fooljax.audits.settings import AuditSettings
from fooljax.audits.untested import LEARNT_FROM, may_be_training_data, not_tested
from fooljax.data import embedded
from fooljax.errors import FaultError, InputError
from fooljax.study import ImageSet, SetSpec
from fooljax.targets.shipped import pretrained


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(st.integers(2, 1000))
def test_no_image_is_used_twice(count):
    images = np.arange(count, dtype=np.int64)[:, None, None, None]
    parts = of_arrays(images, None, "numbered")
    used = np.concatenate([part.images.ravel() for part in (parts.fit, parts.thresholds, parts.test)])
    assert sorted(used.tolist()) == list(range(count))
    assert (len(parts.fit.labels) > 0) == (count >= LEAST_OF_THREE)
    assert len(parts.thresholds.labels) > 0
    assert len(parts.test.labels) > 0


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(st.integers(4000, 10**7), st.booleans(), st.integers(0, 10))
def test_attacks_never_get_more_than_the_budget(budget, gradients, detectors):
    found = divide_budget(budget, gradients=gradients, detectors=detectors)
    assert sum(share.total for share in found) <= budget
    by_name = {share.generator: share for share in found if not share.detectors}
    for name in ("direct", "cppn"):
        assert by_name[f"random_search_{name}"].passes == by_name[name].passes
    assert ("gradient" in by_name) == gradients
    assert any(share.detectors for share in found) == (detectors > 0)


def test_a_budget_that_is_too_small_says_how_much_is_needed():
    with pytest.raises(InputError, match=r"budget: expected ([0-9,]+) network passes") as caught:
        divide_budget(1000, gradients=True, detectors=2)
    least = int(str(caught.value).split()[2].replace(",", ""))
    assert divide_budget(least, gradients=True, detectors=2)


def test_a_package_that_detectors_want_is_missed_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(FaultError, match=r"scikit-learn, got none; pip install 'fooljax\[analysis\]'"):
        fooljax.audit(network(), *clean(), budget=50_000, outdir=tmp_path / "audit")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": 1e4}, r"budget: expected a whole number, got 10000\.0$"),
        ({"budget": 10}, "budget: expected 1000 or more, got 10$"),
        ({"guess": "yes"}, "guess: expected true or false, got 'yes'$"),
        ({"detectors": None}, "detectors: expected text, got None$"),
        ({"class_names": "abcd"}, "class_names: expected a list of names, got 'abcd'$"),
        ({"judges": [network()]}, "judges: expected targets by name, got list$"),
    ],
)
def test_arguments_of_python_are_checked_as_flags_are_before_anything_is_made(given, message, tmp_path):
    with pytest.raises(InputError, match=message):
        fooljax.audit(network(), *clean(), outdir=tmp_path / "audit", **given)
    assert list(tmp_path.iterdir()) == []


def test_a_plain_function_takes_images_of_the_shape_of_the_clean_ones():
    known = network()
    for images, shape in ((clean()[0], SHAPE), (clean()[0][..., 0], SHAPE), ("embedded", None)):
        assert shape_of(images) == shape
    found = known_network(lambda images: known.apply(known.params, images), (), print, SHAPE)
    assert found.image_shape == SHAPE
    assert found.class_names == ("0", "1", "2", "3")
    with pytest.raises(InputError, match=r"image shape is known, .* says it; got one without$"):
        known_network(lambda images: images, (), print)


def test_a_name_of_several_classes_tells_no_class(tmp_path):
    target = network(class_names=("crane", "crane", "left", "right"))
    (tmp_path / "crane").mkdir()
    Image.fromarray(clean(1)[0][0, ..., 0]).save(tmp_path / "crane" / "a.png")
    with pytest.raises(InputError, match=r"images: .* found crane, the name of several"):
        read_images(str(tmp_path), target)
    with pytest.raises(InputError, match=r"reject: .* got crane, the name of several"):
        rejecting_class(target, "crane")


@pytest.mark.parametrize(
    ("target", "name", "why"),
    [
        (network(), "mahalanobis", "since of this network the features cannot be seen"),
        (on_host(), "odin", "since of this network the outputs alone can be seen"),
    ],
)
def test_a_detector_that_cannot_watch_a_network_is_told_with_the_reason(target, name, why):
    with pytest.raises(InputError, match=f"detectors: expected auto, .*, {why}, got {name}$"):
        detectors_of(target, name)


def test_an_ascent_has_enough_steps_for_each_of_its_classes():
    assert ascent_cells(range(10), 10_000) == list(range(10))
    assert ascent_cells(range(1000), 1000) == [100 * place for place in range(10)]
    assert ascent_cells(range(1000), 1) == [0]


def made_odds(count):
    rng = np.random.default_rng(1)
    return rng.normal(0.0, 4.0, (count, 4)), rng.integers(0, 4, count)


def test_with_many_labelled_images_the_thresholds_are_those_of_the_experiments():
    odds, labels = made_odds(400)
    assert thresholds_on(odds, labels, range(4)) == clean_thresholds(odds, labels)


def test_ten_images_tell_the_median_alone():
    found = thresholds_on(*made_odds(10), range(4))
    assert "clean_median" in found.raw
    assert "tpr_95" not in found.raw
    assert (found.temperature, found.fitted_on, found.taken_on) == (1.0, 0, 10)


def test_an_image_that_is_rejected_does_not_count():
    odds = np.asarray([[2.0, -2.0, -9.0], [2.0, -2.0, -9.0]])
    found = thresholds_on(*made_odds(30), range(3))
    told = shares(found, odds, np.zeros(2, int), np.asarray([True, False]))
    assert told["raw"]["0.5"] == 0.5


@pytest.mark.parametrize(
    ("described", "learnt", "known"),
    [
        (embedded.SOURCE, "mnist", True),  # the shipped LeNets
        (embedded.SOURCE, embedded.NAME, False),  # trained here, on the other 4,000 of them
        (embedded.SOURCE, None, False),
        ("IDX files in mnist.", "mnist", False),
    ],
)
def test_embedded_digits_may_be_known_to_networks_that_learnt_from_mnist(described, learnt, known):
    facts = {} if learnt is None else {"dataset_name": learnt}
    target, parts = network(provenance=facts), of_arrays(*clean(), described)
    audited = Audited(target, parts, {}, {}, None, "made")
    thresholds = {"taken_on": 200, "fitted_on": 200, "temperature": 0.05, "raw": {}}
    rows = [{"kind": "clean", "thresholds": thresholds}, {"kind": "survival", "shown": len(NAMES)}]
    sentences = not_tested(audited, AuditSettings(), rows)
    assert may_be_training_data(audited) == (LEARNT_FROM in sentences) == known
    assert any("temperature" in one and "named rightly" in one for one in sentences)


def test_the_shipped_networks_say_what_they_learnt_from():
    assert pretrained().provenance["dataset_name"] not in (None, embedded.NAME)


def test_folders_are_named_by_class_or_number(tmp_path):
    images, labels = clean(12)
    for name in NAMES:
        (tmp_path / "named" / name).mkdir(parents=True)
    (tmp_path / "loose").mkdir()
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        for path in (tmp_path / "named" / NAMES[label], tmp_path / "loose"):
            Image.fromarray(image[..., 0]).save(path / f"{place}.png")
    found = read_images(str(tmp_path / "named"), network())
    assert found.labelled
    assert found.total == 12
    expected = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    for part in (found.thresholds, found.test):
        assert [expected[image.tobytes()] for image in part.images] == part.labels.tolist()
    assert not read_images(str(tmp_path / "loose"), network()).labelled
    (tmp_path / "named" / "diagonal").mkdir()
    with pytest.raises(InputError, match=r"images: expected folders named .*diagonal"):
        read_images(str(tmp_path / "named"), network())
    (tmp_path / "numbered" / "04").mkdir(parents=True)
    with pytest.raises(InputError, match=r"images: expected folders 0 to 3, .*, found a folder named 04$"):
        read_images(str(tmp_path / "numbered"), network())


def test_one_picture_is_too_few_and_its_folder_is_named(tmp_path):
    Image.fromarray(clean(1)[0][0, ..., 0]).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"images: expected 2 clean images or more, found 1 in {tmp_path}$"):
        read_images(str(tmp_path), network())


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((5, 6, 6)), [0] * 4, r"labels: expected \[5\]"),
        (np.zeros((5, 6, 6)), [0, 1, 2, 3, 4], "labels: expected classes from 0 to 3, got 4"),
        (np.zeros((5, 8, 8, 1), np.uint8), None, r"images: expected \[N, 6, 6, 1\]"),
        (np.full((5, 6, 6, 1), 254.0), None, r"images: .* floats in \[0, 1\], got values up to 254$"),
        (np.full((5, 6, 6, 1), -0.5), None, "got values from -0.5 on$"),
        (np.full((5, 6, 6, 1), np.nan), None, "got NaN$"),
        (np.zeros((1, 6, 6, 1), np.uint8), None, "images: expected 2 clean images or more, got 1"),
    ],
)
def test_wrong_images_are_told_in_one_line(images, labels, message):
    with pytest.raises(InputError, match=message):
        checked_images(images, labels, network())


def test_images_of_python_are_those_of_8_bits():
    images, labels = clean(20)
    found = checked_images(images.astype(np.float32) / 255.0, labels, network())
    assert checked_images(images, labels, network()).digest == found.digest
    assert found.test.images.shape[1:] == SHAPE


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothere", None, "found nothing at .*nothere$"),
        ("a.npz", b"", r"found the file .*a\.npz; say npz:.*a\.npz$"),
    ],
)
def test_images_that_are_no_folder_are_told_apart(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_images(str(tmp_path / name), network())


@pytest.mark.parametrize("classes", [10, MOST_SHOWN, MOST_SHOWN + 1, 1000])
def test_of_many_images_some_are_shown_each_with_its_own_class_and_log_odds(classes):
    places = np.arange(classes)
    images = (places % 251).astype(np.uint8).reshape(-1, 1, 1, 1)
    whole = ImageSet(SetSpec("net", "cppn"), images, places, places / 7.0, 400, "", "", (), (), (), (), ())
    shown = shown_of(whole)
    assert len(shown.images) == min(classes, MOST_SHOWN)
    assert len(set(shown.classes.tolist())) == len(shown.classes)
    np.testing.assert_array_equal(shown.images.ravel(), shown.classes % 251)
    np.testing.assert_array_equal(shown.log_odds, shown.classes / 7.0)
    assert shown.classes.max() >= classes - 1 - classes // MOST_SHOWN - 1  # to the last classes
