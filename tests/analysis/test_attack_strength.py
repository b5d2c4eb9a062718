"""The flags of weak attacks: each is raised by the sign that it is named after, and by nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooljax.analysis.attack_strength import QUESTIONS, Attempt, are_probabilities, attack_strength
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError

LOW = (-3.0, -2.9, -2.8, -2.9, -3.0)
STRONG = [
    Attempt("direct", False, 1000, LOW),
    Attempt("direct", False, 2000, LOW),
    Attempt("gradient", True, 1000, LOW),
    Attempt("gradient", True, 2000, LOW),
]


def raised(attempts, **told):
    told = {"zero_gradients": 0.0, "probabilities": False, **told}
    return [name for name, flag in attack_strength(attempts, **told).flags.items() if flag]


def test_a_strong_attack_raises_no_flag():
    found = attack_strength(STRONG, zero_gradients=0.0, probabilities=False)
    assert not found.overcome
    assert list(found.flags) == list(QUESTIONS)
    assert found.words() == "holds, no flag raised"


@pytest.mark.parametrize(
    ("flag", "attempts", "told"),
    [
        ("plateau", [*STRONG, Attempt("direct", False, 4000, (0.0,) * 5)], {}),
        ("budget", [*STRONG, Attempt("gradient", True, 4000, (-5.0,) * 5)], {}),
        ("zero gradients", STRONG, {"zero_gradients": 0.1}),
        ("restarts", [one._replace(log_odds=one.log_odds[:4]) for one in STRONG], {}),
        ("restarts", [one._replace(log_odds=(-3.0, -3.0, -3.0, -3.0, 2.0)) for one in STRONG], {}),
        ("probabilities", STRONG, {"probabilities": True}),
    ],
)
def test_each_sign_raises_its_flag(flag, attempts, told):
    assert flag in raised(attempts, **told)


def test_an_attack_without_gradients_that_does_better_is_a_sign_of_masking():
    better = [one._replace(log_odds=(3.0,) * 5) if one.method == "direct" else one for one in STRONG]
    assert raised(better) == ["masking"]
    # Where gradients reach the goal themselves, nothing is hidden.
    fooled = [one._replace(log_odds=(FOOLED,) * 5) if one.uses_gradients else one for one in better]
    assert raised(fooled) == []


def test_what_was_not_tried_is_said():
    found = attack_strength([Attempt("direct", False, 1000, LOW)])
    assert {name for name, flag in found.flags.items() if flag is None} == set(QUESTIONS) - {"restarts"}
    assert found.words() == "not tested: plateau, budget, masking, zero gradients, probabilities"
    weak = attack_strength([Attempt("direct", False, 1000, LOW[:1])])
    assert weak.words().startswith("weak attack: fewer than 5 runs")


def test_a_defence_is_overcome_where_the_median_run_of_one_method_fools():
    fooled = Attempt("cppn", False, 1000, (FOOLED, FOOLED, FOOLED, -5.0, -5.0))
    assert attack_strength([*STRONG, fooled]).words() == "overcome"
    assert not attack_strength([*STRONG, fooled._replace(log_odds=(9.0, 9.0, 9.0, 20.0, 20.0))]).overcome


@given(st.permutations(STRONG), st.floats(-50.0, 50.0))
def test_neither_order_nor_a_shift_of_all_changes_the_signs(attempts, shift):
    shifted = [one._replace(log_odds=[odds + shift for odds in one.log_odds]) for one in attempts]
    assert raised(shifted) == raised(STRONG)


def test_nothing_tried_is_refused():
    for attempts in ([], [Attempt("direct", False, 1000, ())]):
        with pytest.raises(InputError, match="attempts: expected at least one"):
            attack_strength(attempts)


def test_probabilities_are_told_from_logits():
    logits = np.random.default_rng(0).normal(size=(20, 10))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert are_probabilities(shares)
    assert not are_probabilities(np.log(shares))
    assert not are_probabilities(logits)
