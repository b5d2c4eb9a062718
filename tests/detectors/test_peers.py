"""Our scores against those of pytorch-ood, on the same features, logits and images.

Its covariances are sums over images and are not shrunk. So here ours are not shrunk either.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from sklearn import covariance

from fooljax.detectors import DETECTORS, Clean, Seen

GOLDEN = Path(__file__).parents[1] / "golden" / "detectors.npz"
FITTED = 400
AS_PUBLISHED = {
    "msp": lambda ours: -special.expit(-ours),
    "entropy": np.exp,
    "mahalanobis": lambda ours: 0.5 * ours / FITTED,
    "relative_mahalanobis": lambda ours: ours / FITTED,
}
"""What a published score is of ours, where the two are not the same."""


@pytest.fixture(scope="module")
def scores():
    """Ours and theirs, by the name of the detector."""
    with np.load(GOLDEN) as file:
        given = {name: np.asarray(file[name], np.float64) for name in file.files}
    layer = given["kernel"], given["bias"]
    clean, shown = (given[name] @ layer[0] + layer[1] for name in ("clean", "shown"))
    labels = given["labels"].astype(int)
    pixels, images = (jnp.asarray(given[name], jnp.float32) for name in ("pixels", "images"))

    def ask(images):
        return images.reshape(images.shape[0], -1) @ pixels

    @jax.jit
    def all_scores(params, features, logits):
        seen = Seen(images, features, logits, ask)
        found = {name: one.score(params[name], seen) for name, one in DETECTORS.items()}
        return found | {"odin": DETECTORS["odin"].score({}, seen._replace(logits=ask(images)))}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(covariance, "LedoitWolf", covariance.EmpiricalCovariance)
        fitted_on = Clean(given["images"], given["clean"], clean, labels)
        params = {name: one.fit(fitted_on) for name, one in DETECTORS.items()}
    features, logits = (jnp.asarray(array, jnp.float32) for array in (given["shown"], shown))
    ours = jax.device_get(all_scores(params, features, logits))
    return {name: (np.asarray(ours[name], np.float64), given[f"score_{name}"]) for name in DETECTORS}


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - {"odin", "openmax"}))
def test_scores_are_the_same(scores, name):
    ours, theirs = scores[name]
    np.testing.assert_allclose(AS_PUBLISHED.get(name, lambda same: same)(ours), theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "least"), [("odin", 0.999), ("openmax", 0.97)])
def test_scores_rank_images_alike(scores, name, least):
    """ODIN's probabilities at T = 1000 are coarse in float32. OpenMax's tails are moved by 10,000 there."""
    assert stats.spearmanr(*scores[name]).statistic > least
