"""Models of scikit-learn, and objects with its methods, as targets."""

import numpy as np
import pytest
from host_scores import score

from fooljax.errors import InputError
from fooljax.targets.foreign import from_sklearn


class Linear:
    """A fitted classifier of three classes, by hand."""

    n_features_in_ = 16
    classes_ = np.array(["a", "b", "c"])
    weights = 0.02 * np.random.default_rng(0).normal(size=(16, 3))

    def predict_proba(self, rows):
        shares = np.exp(rows.astype(np.float64) @ self.weights)
        return shares / shares.sum(1, keepdims=True)


class Margin:
    """Two classes, of which a margin is known."""

    n_features_in_ = 16

    def decision_function(self, rows):
        return rows.sum(1) - 5.0


def pixels():
    return np.random.default_rng(1).integers(0, 256, (4, 4, 4, 1), np.uint8)


def test_probabilities_of_rows(caplog):
    target = from_sklearn(Linear(), preprocessing={"range": (0, 16)})
    assert (target.name, target.image_shape, target.class_names) == ("Linear", (4, 4, 1), ("a", "b", "c"))
    shares = Linear().predict_proba(pixels().reshape(4, -1) / 255.0 * 16.0)
    np.testing.assert_allclose(score(target, pixels()), np.log(shares / (1 - shares)), rtol=1e-3, atol=1e-3)
    assert "outputs probabilities (its predict_proba)" in caplog.text
    assert "range" not in caplog.text.partition("Guessed")[2]


def test_logits_are_asked_for_where_their_softmax_is_the_probabilities():
    class Both(Linear):
        def decision_function(self, rows):
            return rows.astype(np.float64) @ self.weights

    class Other(Both):
        def decision_function(self, rows):
            return 2.0 * super().decision_function(rows)

    how = {"range": (0, 4000)}  # so far from what it has learnt that probabilities are 0 and 1
    target, other = from_sklearn(Both(), preprocessing=how), from_sklearn(Other(), preprocessing=how)
    logits = Both().decision_function(pixels().reshape(4, -1) / 255.0 * 4000.0)
    found = target.apply(target.params, pixels().astype(np.float32) / 255.0)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-2)
    assert other.provenance["framework"].endswith("predict_proba")


def test_a_margin_is_the_logit_of_the_second_class():
    target = from_sklearn(Margin(), class_names=("no", "yes"))
    margin = pixels().reshape(4, -1).sum(1) / 255.0 - 5.0
    np.testing.assert_allclose(score(target, pixels()), np.stack([-margin, margin], 1), rtol=1e-4)


@pytest.mark.parametrize(
    ("model", "facts", "told"),
    [
        (object(), {}, r"^model: expected a fitted classifier with .*, got object$"),
        (Linear, {}, r"^model: expected a fitted classifier"),
        (Linear(), {"image_shape": (3, 3, 1)}, r"^Linear: expected an input of images, got "),
        (Linear(), {"class_names": ("x",)}, r"^class_names: expected 3 names"),
        (Linear(), {"preprocessing": {"layout": "nchw"}, "image_shape": (4, 4, 1)}, r"^model: Linear failed"),
    ],
)  # fmt: skip
def test_other_objects_are_refused(model, facts, told):
    with pytest.raises(InputError, match=told):
        from_sklearn(model, **facts)


def test_models_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).random((60, 16)).astype(np.float32)
    labels = rows[:, :3].argmax(1)
    with pytest.raises(InputError, match=r"^model: LogisticRegression failed on rows .*: NotFittedError: "):
        from_sklearn(linear_model.LogisticRegression(), image_shape=(4, 4, 1))
    model = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(rows, labels)
    target, again = from_sklearn(model), from_sklearn(model, preprocessing={"outputs": "logits"})
    np.testing.assert_allclose(score(target, pixels()), score(again, pixels()), atol=1e-3)
    assert target.provenance["framework"] == "sklearn, decision_function"  # it never ends at 0 or 1
    assert target.class_names == ("0", "1", "2")
    other = make_pipeline(StandardScaler(), linear_model.LogisticRegression(C=9.0)).fit(rows, labels)
    same = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(rows, labels)
    digests = [from_sklearn(one).provenance["params_sha256"] for one in (model, other, same)]
    assert digests[0] == digests[2] != digests[1]
