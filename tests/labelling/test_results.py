"""What came of a study: rates by majority, agreement, and people who did not look are found out."""

import json
import math

import numpy as np
import pytest
from people import saved, sober, task
from scipy.stats import binomtest

from fooljax.errors import InputError
from fooljax.labelling.answers import read_all
from fooljax.labelling.result_words import in_words
from fooljax.labelling.results import NO_MAJORITY, measure, outcome
from fooljax.labelling.task import Key, read_key, write_key


def results(tmp_path, *people, of=None, change=lambda key: key):
    """Of people who answer as functions of the image say; by name where they are pairs."""
    of = of or task()
    write_key(of, tmp_path / "key.json")
    key = change(read_key(tmp_path / "key.json"))
    paths = []
    for number, answer in enumerate(people):
        paths.append(tmp_path / f"person{number}.json")
        paths[-1].write_text(json.dumps(saved(of, answer, f"person {number}")))
    return measure(key, read_all(paths, key))


def rates(found, kind):
    return next(one for one in found.rates if one.kind == kind and not one.source)


def named(image):
    """Names evolved images as the network does."""
    return sober(image) if image.kind != "evolved" else image.class_index


def test_an_answer_is_one_of_five():
    key = Key(
        "", ("cat", "dog", "car"), ("pets", "pets", ""), {"a": {"class_index": 0}, "b": {"class_index": None}}
    )
    answers = (0, 1, 2, "something else", "nothing")
    expected = ["its class", "a related class", "another class", "something else", "nothing"]
    assert [outcome(key, "a", answer) for answer in answers] == expected
    assert outcome(key, "b", 0) == "another class"


def test_rates_are_shares_of_images_with_wilson_s_interval(tmp_path):
    found = results(tmp_path, sober)
    evolved, clean, noise = (rates(found, kind) for kind in ("evolved", "clean", "noise"))
    assert (evolved.images, clean.images, noise.images) == (8, 8, 4)
    assert evolved.outcomes["nothing"].estimate == clean.outcomes["its class"].estimate == 1.0
    assert noise.outcomes["nothing"].low == pytest.approx(binomtest(4, 4).proportion_ci(method="wilson").low)


def test_what_most_people_say_counts(tmp_path):
    found = results(tmp_path, sober, named, named)
    assert rates(found, "evolved").outcomes["its class"].estimate == 1.0
    found = results(tmp_path, sober, named)
    assert rates(found, "evolved").outcomes[NO_MAJORITY].estimate == 1.0


def test_people_agree_or_do_not(tmp_path):
    assert results(tmp_path, named, named).agreement["evolved"].estimate == 1.0
    assert results(tmp_path, sober, named).agreement["evolved"].estimate < 0.0
    assert math.isnan(results(tmp_path, named).agreement["all"].estimate)


def test_a_panel_that_did_not_look_is_found_out(tmp_path):
    def named_noise(image):
        return 0 if image.kind == "noise" else sober(image)

    def nothing(image):
        return "nothing"

    def only_evolved(image):
        return 1 if image.kind == "evolved" else None

    found = results(tmp_path, sober, named_noise, nothing, only_evolved)
    assert [one.failed for one in found.labellers] == [(), ("noise",), ("clean",), ("clean", "noise")]
    assert rates(found, "evolved").outcomes["nothing"].estimate == 1.0  # of the first alone
    said = in_words(found)
    assert (
        "person 1 failed a control and is left out of the rates (noise in which nothing was recognised: 0 %"
        in said
    )
    assert "person 3 failed a control" in said
    assert "person 0 failed" not in said


def test_shuffled_labels_are_found_out(tmp_path):
    def shuffled(key):
        names = list(key.images)
        order = np.random.default_rng(0).permutation(len(names))
        entries = [key.images[names[place]] for place in order]
        return Key(key.task, key.class_names, key.groups, dict(zip(names, entries, strict=True)))

    found = results(tmp_path, sober, sober_again, change=shuffled)
    assert all(one.failed for one in found.labellers)
    assert not found.rates
    assert "Nobody passed the controls, so there are no rates." in in_words(found)


def sober_again(image):
    return sober(image)


def test_related_classes_are_named_right(tmp_path):
    def roughly(image):
        return sober(image) if image.kind != "clean" or image.class_index > 1 else 1 - image.class_index

    found = results(tmp_path, roughly)
    assert not found.labellers[0].failed
    assert rates(found, "clean").outcomes["a related class"].estimate == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "x"}, "expected answers that the page saved"),
        (
            {"task": "0123456789abcdef"},
            "expected answers to the task of the key, .*, found answers to 0123456789",
        ),
        ({"answers": []}, "expected answers, found none"),
        (
            {"answers": [{"image": "image-999", "answer": 0}]},
            "expected an image of the task, found 'image-999'",
        ),
        ({"answers": [{"image": "image-001", "answer": 4}]}, "expected the number of a class"),
        ({"answers": [{"image": "image-001", "answer": True}]}, "expected the number of a class"),
        ({"answers": [{"image": "image-001", "answer": "dog"}]}, "expected the number of a class"),
        ({"answers": [{"image": "image-001", "answer": 0}] * 2}, "found two for image-001"),
        ({"answers": ["nothing"]}, "expected an image of the task"),
    ],
)
def test_answers_that_are_none_are_refused(tmp_path, change, message):
    of = task()
    write_key(of, tmp_path / "key.json")
    (tmp_path / "a.json").write_text(json.dumps(saved(of, sober) | change))
    with pytest.raises(InputError, match=message):
        read_all([tmp_path / "a.json"], read_key(tmp_path / "key.json"))


def test_the_same_answers_count_once(tmp_path):
    of = task()
    write_key(of, tmp_path / "key.json")
    key = read_key(tmp_path / "key.json")
    for name, labeller, answer in (("a", "Ada", sober), ("b", "Ada", sober), ("c", "Ada", named)):
        (tmp_path / f"{name}.json").write_text(json.dumps(saved(of, answer, labeller)))
    with pytest.raises(InputError, match="expected other answers than"):
        read_all([tmp_path / "a.json", tmp_path / "b.json"], key)
    names = [one.labeller for one in read_all([tmp_path / "a.json", tmp_path / "c.json"], key)]
    assert len(set(names)) == 2
    assert all(name.startswith("Ada (") for name in names)
