"""What may make a class hard: near classes and indecision are found in made answers."""

import numpy as np
import pytest

from fooljax.analysis.difficulty import by_class, classes_in_question, clean_figures, near_classes
from fooljax.errors import InputError


def answers(count=300, twins=4, others=16, seed=0):
    """Logits of classes that go each its own way, but for the first few, which go together."""
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal((count, twins + others))
    logits[:, :twins] += 3.0 * generator.standard_normal((count, 1))
    return logits


def odds_of(logits):
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.log(shares) - np.log1p(-shares)


def test_classes_that_go_together_are_near():
    pairs = 4 * 3 / 2 / (20 * 19 / 2)
    assert near_classes(odds_of(answers()), pairs).tolist() == [3] * 4 + [0] * 16


def test_what_raises_all_classes_alike_makes_none_near():
    logits = answers(twins=0, others=20) + 10.0 * np.random.default_rng(1).standard_normal((300, 1))
    assert np.array_equal(near_classes(odds_of(logits)), near_classes(odds_of(logits - 5.0)))
    assert near_classes(odds_of(logits), 0.1).max() < 8


def test_the_share_of_pairs_is_as_asked():
    near = near_classes(odds_of(answers(others=96)))
    assert near.sum() / 2 == pytest.approx(0.01 * 100 * 99 / 2, abs=1)


def test_indecision_is_a_number_of_classes():
    logits = np.asarray([[30.0, 0, 0, 0], [0.0, 0, 0, 0], [30.0, 30, 0, 0]])
    assert classes_in_question(odds_of(logits)) == pytest.approx([1, 4, 2], abs=1e-6)


def test_medians_are_those_of_each_class():
    found = by_class(np.asarray([1.0, 5, 3, 9]), np.asarray([0, 0, 0, 2]), 3)
    assert found == [3, None, 9]


def test_a_wrong_name_counts_for_the_class_of_the_image():
    odds = odds_of(10.0 * np.eye(3)[[0, 1, 1, 2]])
    found = clean_figures(odds, np.asarray([0, 0, 1, 1]))
    assert found["wrong_names"] == [0.5, 0.5, None]
    assert found["accuracy"] == 0.5


def test_too_few_answers_are_named():
    with pytest.raises(InputError, match=r"^odds: expected \[N, C\], at least 3 of each, got \[2, 5\]"):
        near_classes(np.zeros((2, 5)))
