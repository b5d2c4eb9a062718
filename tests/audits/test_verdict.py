"""The five sentences say what the numbers say, and never more."""

import math

import hypothesis
import hypothesis.strategies as st
import pytest

from fooljax.analysis.attack_strength import QUESTIONS, Strength
from fooljax.audits.content import machine_in_words
from fooljax.audits.verdict import MADE, Facts, percent, strength_in_words, verdict
from fooljax.audits.verdict_facts import few_passes

FLAGS = ("log-odds still rise with the budget", "some gradients are zero")
SHARES = st.floats(0.0, 1.0)


@st.composite
def facts(draw):
    classes = draw(st.integers(2, 1000))
    fooled = draw(st.integers(0, classes))
    return Facts(
        failed=tuple(draw(st.lists(st.sampled_from(["outputs", "batches", "input"]), unique=True))),
        mended=draw(st.booleans()),
        classes=classes,
        fooled=fooled,
        surest=draw(st.floats(-20.0, 60.0)),
        soonest=(draw(st.sampled_from(list(MADE))), draw(st.integers(1, 10**6))) if fooled else None,
        budget=draw(st.integers(1000, 10**7)),
        at_clean=draw(st.none() | SHARES),
        controls=draw(SHARES),
        noise=draw(SHARES),
        detector=draw(st.none() | st.just("energy")),
        caught=draw(SHARES),
        through=draw(st.none() | SHARES),
        overcome=fooled > 0 and draw(st.booleans()),
        flags=tuple(draw(st.lists(st.sampled_from(FLAGS), unique=True))),
    )


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(facts())
def test_five_sentences_that_never_call_a_network_robust(found):
    sentences = verdict(found)
    assert len(sentences) == 5
    text = " ".join(sentences)
    assert all(one.endswith(".") and "  " not in one for one in sentences)
    for word in ("robust", "secure", "safe", "cannot be fooled"):
        assert word not in text
    if not found.fooled:
        assert f"at this budget of {found.budget:,} network passes" in sentences[1]
    if found.flags and not found.overcome:
        assert "weak" in sentences[4]
        assert "no evidence" in sentences[4]
    assert ("passes all checks" in sentences[0]) == (not found.failed)


def made(**changes):
    plain = Facts(
        failed=(),
        mended=False,
        classes=10,
        fooled=10,
        surest=30.0,
        soonest=("cppn", 2300),
        budget=50_000,
        at_clean=0.96,
        controls=0.03,
        noise=0.0,
        detector="energy",
        caught=0.2,
        through=0.9,
        overcome=True,
        flags=(),
    )
    return plain._replace(**changes)


def test_classes_that_gradient_ascent_was_not_tried_for_are_told():
    sentence = verdict(made(classes=1000, fooled=11, ascents=11))[1]
    assert "found for 11 of 1,000 classes, though gradient ascent was tried for 11 alone;" in sentence
    assert "alone" not in verdict(made())[1]


def test_a_fooled_network_in_words():
    assert verdict(made()) == [
        "The network passes all checks of how it is used that could be made.",
        "Images with 99.99 % were found for all 10 classes; the first attack to do so for half of its "
        "classes, evolution of CPPNs, took 2,300 passes.",
        "Of the best attack's images, 96 % are as sure as the median clean image; random search with as many "
        "passes had 99.99 % in 3 % of its images, noise in 0 %.",
        "The best detector, energy, catches 20 % of the images of the attack that it catches least, where it "
        "accepts 95 % of clean ones; of the images of the best attack that knows it, 90 % have 99.99 % and "
        "pass.",
        "Nothing more needs to be asked of the attack, which got through; a stronger one may need less.",
    ]


def test_a_network_that_was_not_fooled_in_words():
    said = verdict(made(fooled=0, surest=math.log(3.0), soonest=None, overcome=False, flags=FLAGS[:1]))
    assert said[1] == (
        "No image with 99.99 % was found at this budget of 50,000 network passes; the surest image had "
        "75.00 %."
    )
    assert said[4].startswith("The attack was weak (log-odds still rise with the budget)")


def test_a_network_whose_probabilities_come_in_steps_is_not_said_to_have_held():
    said = verdict(made(fooled=0, surest=6.24, soonest=None, highest=6.24, overcome=True))
    assert said[1] == (
        "No image can have 99.99 %, since the network's probabilities come in steps and none is above "
        "99.80 %; at this budget of 50,000 network passes the surest image had 99.80 %."
    )
    assert "got through" in said[4]


UNTOLD = dict.fromkeys(QUESTIONS, None)


@pytest.mark.parametrize(
    ("strength", "detector", "words"),
    [
        (Strength(True, UNTOLD), None, "The network alone was overcome: "),
        (Strength(True, UNTOLD), "msp", "The network with the detector msp was overcome: "),
        (Strength(False, UNTOLD), None, "no sign of a weak attack that could be looked for was found."),
        (Strength(False, UNTOLD), None, "could not be told whether log-odds still rise with the budget, or"),
        (Strength(False, dict.fromkeys(QUESTIONS, False)), None, "no sign of a weak attack was found."),
        (Strength(False, UNTOLD | {"budget": True}), None, "were found: a larger budget did worse."),
    ],
)
def test_the_strength_of_an_attack_in_words(strength, detector, words):
    assert words in strength_in_words(strength, detector)


def test_the_confidence_that_counts_is_named():
    said = strength_in_words(Strength(True, UNTOLD), goal="the confidence of the median clean image")
    assert "half of the images or more had the confidence of the median clean image. Signs" in said


def test_a_machine_in_words():
    assert machine_in_words("cpu: cpu, 2 threads") == "CPU, 2 threads"
    assert machine_in_words("gpu: NVIDIA H100 80GB HBM3") == "GPU, NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (1.0, "100 %"), (1e-5, "less than 0.1 %"), (0.99999, "more than 99.9 %")],
)
def test_some_is_never_written_as_none_or_all(share, words):
    assert percent(share) == words


def test_a_budget_that_is_small_for_its_classes_is_a_sign_of_weakness():
    assert few_passes(3000, 1000) == ("a run had at most 3 passes for each class",)
    assert few_passes(3000, 10) == ()
