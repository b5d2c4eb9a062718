"""Models of scikit-learn, and other objects with its methods, as targets without gradients.

The object is one that the user has made. No file is opened here: files of such models are pickles, which run
code when they are opened.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from fooljax.engine.types import Target
from fooljax.errors import InputError, first_line, shown
from fooljax.probe import probe_images
from fooljax.targets.foreign.guessing import first_guess, layout_and_shape
from fooljax.targets.foreign.on_host import hosted_target
from fooljax.targets.preprocessing import Said, said_of, settled

Numbers = npt.NDArray[Any]
PROBABILITIES, LOGITS = "predict_proba", "decision_function"
"""The methods that are asked."""


def from_sklearn(
    model: Any,
    *,
    image_shape: Sequence[int] | None = None,
    preprocessing: Said = None,
    class_names: Sequence[str] = (),
    name: str | None = None,
) -> Target:
    """A target of a fitted classifier of scikit-learn, such as a pipeline.

    It is asked with its `predict_proba`; or with its `decision_function` where it has no other, where that is
    the logits of its probabilities, as with logistic regression, or where `preprocessing` says that the
    outputs are logits. Other models say 0 or 1 exactly at times; then a floor of the `Preprocessing` decides
    how sure that counts, and a search may find no way up.

    Args:
      model: fitted; `model.predict_proba(rows)` gives `[B, C]`, or `model.decision_function(rows)` gives
        `[B, C]`, or `[B]` for two classes. Rows are `[B, H * W * K]`, unless `preprocessing` says another
        layout.
      image_shape: `(H, W, K)`; by default square, of as many numbers as the model says.
      preprocessing: what images and outputs go through; or a dict of those of its fields that are to be other
        than guessed, as `{"range": (0, 16)}` for the digits of scikit-learn.
      class_names: by default the model's `classes_`.
      name: a short name; by default that of the class.
    Returns:
      The target.
    Raises:
      InputError: it has none of these methods, is not fitted, or does not take such images.
    """
    name = type(model).__name__ if name is None else name
    method, kind = _method(model, said_of(preprocessing, "outputs"))
    layout = said_of(preprocessing, "layout") or "flat"
    count = getattr(model, "n_features_in_", None)
    layout, shape = layout_and_shape(
        [None, count] if layout == "flat" else [None] * {"nhw": 3}.get(layout, 4),
        source=shown(name),
        layout=layout,
        image_shape=image_shape,
    )
    guess = first_guess(layout, {}, whole_numbers=False, channels=shape[2], layout_reason="rows of numbers")
    inputs = settled(guess.how, preprocessing).inputs(probe_images(shape))
    try:
        outputs = np.asarray(method(inputs))
        if kind == PROBABILITIES and not said_of(preprocessing, "outputs"):
            logits = _logits(model, inputs, outputs)
            if logits is not None:
                (method, kind), outputs = _method(model, "logits"), logits
    except Exception as error:  # it raises what it likes
        raise InputError(
            f"model: {shown(name)} failed on rows {list(inputs.shape)}: {first_line(error)}"
        ) from error
    reasons = {**guess.reasons, "outputs": f"its {kind}"}
    guess = guess.with_outputs(outputs, None)._replace(reasons=reasons)
    if kind == LOGITS:
        guess = guess._replace(how=settled(guess.how, {"outputs": "logits"}))
    how = settled(guess.how, preprocessing)
    how.logits(outputs)  # wrong words of the user are told at once
    return hosted_target(
        lambda inputs: np.asarray(method(inputs)),
        _digest(model, outputs),
        framework=f"{type(model).__module__.partition('.')[0]}, {kind}",
        name=name,
        image_shape=shape,
        preprocessing=how,
        class_names=tuple(class_names) or tuple(map(str, getattr(model, "classes_", ()))),
        outputs=outputs[0].size,
        guessed=guess.unsaid(preprocessing),
    )


def _logits(model: Any, inputs: Numbers, probabilities: Numbers) -> Numbers | None:
    """What `decision_function` says, if its softmax is the probabilities; which then are not needed."""
    if not callable(decide := getattr(model, LOGITS, None)) or len(getattr(model, "classes_", ())) < 3:
        return None
    logits = np.asarray(decide(inputs))
    if logits.shape != probabilities.shape:
        return None
    same = np.allclose(special.softmax(logits, axis=1), probabilities, rtol=1e-4, atol=1e-6)
    return logits if same else None


def _method(model: Any, outputs: str | None) -> tuple[Callable[[Numbers], Any], str]:
    """The method that is asked, and its name."""
    for name in (LOGITS, PROBABILITIES) if outputs == "logits" else (PROBABILITIES, LOGITS):
        if callable(found := getattr(model, name, None)) and not isinstance(model, type):
            return found, name
    raise InputError(
        "model: expected a fitted classifier with predict_proba or decision_function, got "
        f"{shown(type(model).__name__)}"
    )


def _digest(model: Any, outputs: Numbers) -> str:
    """SHA-256 of what the model has learnt, or of its answers where that cannot be had."""
    try:
        import joblib

        return hashlib.sha256(joblib.hash(model, hash_name="sha1").encode()).hexdigest()
    except Exception:  # there is no joblib, or the model holds what cannot be written
        return hashlib.sha256(np.ascontiguousarray(outputs, np.float32).tobytes()).hexdigest()
