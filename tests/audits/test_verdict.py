"""The five sentences say what the numbers say, and never more."""

import math
from types import SimpleNamespace

import hypothesis
import hypothesis.strategies as st
import pytest

from fooljax.analysis.attack_strength import QUESTIONS, Strength
from fooljax.audits.content import machine_in_words
from fooljax.audits.settings import AuditSettings
from fooljax.audits.verdict import MADE, AttackImages, Facts, percent, strength_in_words, verdict
from fooljax.audits.verdict_facts import facts_of, few_passes
from fooljax.engine.log_odds import FOOLED

FLAGS = ("log-odds still rise with the budget", "some gradients are zero")
SHARES = st.floats(0.0, 1.0)
IMAGES = st.builds(AttackImages, st.sampled_from(list(MADE)), st.integers(1, 3000), SHARES)


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
        best=draw(st.none() | IMAGES),
        controls=draw(SHARES),
        noise=draw(SHARES),
        detector=draw(st.none() | st.just("energy")),
        caught=draw(IMAGES),
        unnoticed=draw(st.booleans()),
        through=draw(st.none() | IMAGES),
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
        best=AttackImages("cppn", 30, 0.96),
        controls=0.03,
        noise=0.0,
        detector="energy",
        caught=AttackImages("direct", 30, 0.2),
        through=AttackImages("cppn", 30, 0.9),
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
        "Of the 30 images by evolution of CPPNs, the best attack, 96 % are as sure as the median clean "
        "image; random search with as many passes had 99.99 % in 3 % of its images, noise in 0 %.",
        "The best detector, energy, would have noticed 20 % of the images by evolution of pixels, which it "
        "notices least, where it rejects 5 % of clean ones; of the images by evolution of CPPNs that were "
        "made to pass it, 90 % have 99.99 % and pass.",
        "An attack was strong enough to get through, so an attacker can do at least this much.",
    ]


def test_detectors_that_notice_no_more_than_of_clean_images_are_said_first():
    said = verdict(made(caught=AttackImages("cppn", 30, 0.0), unnoticed=True))[3]
    assert said.startswith(
        "No detector that was tried would have noticed every attack: the best, energy, rejects 0 % of the "
        "images by evolution of CPPNs, where it rejects 5 % of clean ones; "
    )


TWO = AttackImages("gradient", 2, 1.0)


def test_a_verdict_that_rests_on_two_images_says_so():
    said = verdict(
        made(
            ascents=2,
            soonest=("gradient", 62),
            best=TWO,
            caught=TWO,
            through=TWO,
            partly=TWO,
            flags=FLAGS[:1],
        )
    )
    assert "half of its 2 classes, gradient ascent, took 62" in said[1]
    assert said[2].startswith("Of the 2 images by gradient ascent, the best attack, 100 % are as sure")
    assert "100 % of the 2 images by gradient ascent" in said[3]
    assert "of the 2 images by gradient ascent that were made to pass it, 100 % have" in said[3]
    assert said[4] == (
        "Gradient ascent got through for every class that it was tried for; the other 8 classes were not "
        "tried with it, and what was tried for them was weak (log-odds still rise with the budget)."
    )


def test_an_ascent_for_half_of_its_classes_did_not_get_through_for_every_class():
    said = verdict(made(classes=3, ascents=2, partly=AttackImages("gradient", 2, 0.5)))[4]
    assert "for half or more of the classes that it was tried for; the other class was not" in said


def run_of(generator, odds, images, knows=None):
    """The row of a run, and its entry."""
    kind = "attack" if knows is None else "knowing"
    row = {"kind": kind, "generator": generator, "log_odds": [odds] * images, "course": [], "budget": 900}
    row |= {"attack_passes": 900, "attack_log_odds": [odds] * images}
    share = {"share": float(odds >= FOOLED)}
    entry = {"generator": generator, "knows": knows, "passes": 900, "runs": 1, "images": images}
    entry |= {
        "shares": {"0.9999": share, "clean_median": share},
        "passes_to": {},
        "log_odds": {"median": odds},
    }
    return row, entry


def gathered(by_cppn):
    """What is gathered where gradient ascent got through for 2 of 10 classes."""
    made = [run_of("direct", -3.0, 10), run_of("cppn", by_cppn, 10), run_of("gradient", 30.0, 2)]
    made += [run_of("cppn", -3.0, 10, "msp"), run_of("gradient", 30.0, 2, "msp")]
    groups = {(entry["generator"], entry["knows"]): [row] for row, entry in made}
    rates = {"direct": {"share": 0.9}, "cppn": {"share": 0.5}, "gradient": {"share": 0.0}}
    passed = {"cppn": {"share": 0.0}, "gradient": {"share": 1.0}}
    detectors = [{"name": "msp", "caught": {"0.95": rates}, "through": {"0.95": passed}}]
    by_kind = {"check": {"checks": [], "mends": [], "symptoms": None}}
    audited = SimpleNamespace(cells=range(10), target=SimpleNamespace(provenance={}))
    entries = [entry for _, entry in made]
    return facts_of(audited, AuditSettings(5000), by_kind, groups, entries, [{"log_odds": 30.0}], detectors)


def test_an_attack_on_a_part_of_the_classes_is_told_from_one_on_all():
    found = gathered(by_cppn=-3.0)
    assert found.ascents == 2
    assert found.best == found.partly == found.through == TWO
    assert found.caught == AttackImages("gradient", 2, 0.0)
    assert (found.detector, found.unnoticed, found.overcome) == ("msp", True, True)
    of_all = gathered(by_cppn=20.0)
    assert of_all.overcome
    assert of_all.partly is None


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
    assert "get through" in said[4]


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
    assert "half of the images or more had the confidence of the median clean image. For" in said


def test_a_machine_in_words():
    assert machine_in_words("cpu: cpu, 2 threads") == "CPU, 2 threads"
    assert machine_in_words("gpu: NVIDIA H100 80GB HBM3") == "GPU, NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (1.0, "100 %"), (1e-5, "less than 0.1 %"), (0.99999, "more than 99.9 %")],
)
def test_some_is_never_written_as_none_or_all(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(("share", "words"), [(15 / 16, "93.7 %"), (29 / 30, "96.6 %"), (0.5, "50 %")])
def test_a_sentence_cuts_a_share_as_tables_do(share, words):
    assert percent(share) == words


def test_a_budget_that_is_small_for_its_classes_is_a_sign_of_weakness():
    assert few_passes(3000, 1000) == ("a run had at most 3 passes for each class",)
    assert few_passes(3000, 10) == ()
