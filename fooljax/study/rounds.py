"""What the rows of a chain of retraining say: of one of its networks, or of an attack on it."""

import base64
import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.rejection import Rejection, rejected_share, rejection, rejection_outcomes
from fooljax.analysis.thresholds import Thresholds, clean_thresholds, conformal_quantile
from fooljax.defences.chains import Chain
from fooljax.defences.fine_tuning import margins, rejecting
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Target
from fooljax.scoring import score
from fooljax.study import attacks
from fooljax.study.chain_folder import Chains
from fooljax.study.image_sets import ImageSets
from fooljax.study.images import sheet_of

MOST_ASKED = 1000
"""Old images of each round and generation that a network is asked about, at most."""


@functools.lru_cache(maxsize=4)
def clean_figures(
    chains: Chains, chain: Chain, number: int
) -> tuple[dict[str, float], Rejection, Thresholds]:
    """What a network says of clean test images.

    Args:
      chains: the folder of networks.
      chain: which one.
      number: of the network.
    Returns:
      `accuracy`, of the names of all classes; `accuracy_of_ten`, with the fooling class left out;
      `clean_rejected`, the share that is given the fooling class. Then the levels at equal clean rejection,
      and the thresholds that say when an image counts as fooling.
    """
    data = chains.dataset
    odds = score(chains.network(chain, number), data.test_images)
    named, of_ten = odds.argmax(axis=1), odds[:, : data.num_classes].argmax(axis=1)
    figures = {
        "accuracy": float(np.mean(named == data.test_labels)),
        "accuracy_of_ten": float(np.mean(of_ten == data.test_labels)),
        "clean_rejected": rejected_share(odds, data.num_classes),
    }
    return figures, rejection(odds, data.num_classes), clean_thresholds(odds, data.test_labels)


def round_figures(chains: Chains, chain: Chain, number: int) -> dict[str, Any]:
    """What a network says of clean images, of images evolved against it, and of those it has learnt from.

    Args:
      chains: the folder of networks and images.
      chain: which one.
      number: of the network, from 1 on.
    Returns:
      The content of a row. `log_odds` and `reached` are as those of `fooljax.study.chain_folder.Round`. `new`
      and `random` say how the images of the last and of the first generation are met, see
      `fooljax.analysis.rejection.rejection_outcomes`. `old` has an entry for each earlier round.
    """
    data, fooling = chains.dataset, chains.dataset.num_classes
    target, found = chains.network(chain, number), chains.round(chain, number)
    clean, levels, _ = clean_figures(chains, chain, number)
    runs, classes = found.log_odds.shape
    aims = np.tile(np.arange(classes), runs)
    begun, new = (score(target, one.reshape(-1, *data.image_shape)) for one in (found.first, found.last))
    old = [chains.round(chain, earlier) for earlier in range(1, number)]
    figures: dict[str, Any] = {
        "fooling_images": sum(len(one.images) for one in old),
        "digits": len(data.train_labels),
        **clean,
        "levels": levels._asdict(),
        "log_odds": np.round(found.log_odds.astype(float), 2).tolist(),
        "reached": found.reached.tolist(),
        "new": rejection_outcomes(new, aims, fooling, levels),
        "random": rejection_outcomes(begun, aims, fooling, levels),
        "old": [_old(target, (one.first, one.last), fooling) for one in old],
        "round_digest": found.digest,
    }
    if chain.seed == 0:
        figures |= _sheet(found.last[0])
    return figures


def _sheet(images: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Images of a row, for the figures."""
    return {"sheet": base64.b64encode(sheet_of(images)).decode(), "sheet_shape": images.shape}


def _old(
    target: Target, generations: tuple[npt.NDArray[np.uint8], ...], fooling: int
) -> dict[str, list[float]]:
    """Of an earlier round's first and last images: the shares that the class takes, and that still fool."""
    odds = [score(target, one.reshape(-1, *one.shape[2:])[:MOST_ASKED]) for one in generations]
    return {
        "taken": [rejected_share(one, fooling) for one in odds],
        "fooling": [float(np.mean(np.delete(one, fooling, axis=1).max(axis=1) >= FOOLED)) for one in odds],
    }


def attack_figures(
    chains: Chains,
    chain: Chain,
    number: int,
    sets: ImageSets,
    generator: str,
    passes: int,
    rejects: str | None = None,
) -> dict[str, Any]:
    """Images of one generator against one network of a chain.

    The fooling class is no class to aim at. Chains that share DNN 1 each meet it with images of their own.

    Args:
      chains: the folder of networks.
      chain: which one.
      number: of the network.
      sets: where the images are kept.
      generator: out of `fooljax.study.generators.GENERATORS`.
      passes: network passes, at most.
      rejects: a rate, for the network with the bias of its fooling class moved so that it rejects this share
        of clean images. Then evolution meets the very rule that rejects its images.
    Returns:
      The measurements of `fooljax.study.attacks`; `new`, how the network as it is meets the images; the
      `symptoms` of the attacked one; and of the first seed the images themselves, as `sheet`.
    """
    target, fooling = chains.network(chain, number), chains.dataset.num_classes
    _, levels, thresholds = clean_figures(chains, chain, number)
    attacked, own = target, f"{chain.name}-dnn{number}"
    if rejects is not None:
        attacked, own = _rejecting(chains, target, float(rejects)), f"{own}-rejects-{rejects}"
    (spec,) = attacks.specs(own, [generator], runs=[0], passes=passes, cells=range(fooling))
    ((found, figures),) = attacks.make_and_measure(sets, [spec], attacked, thresholds)
    if chain.seed == 0 and rejects is None and generator in attacks.FRESH:
        figures |= _sheet(found.images)
    return {
        **figures,
        "new": rejection_outcomes(score(target, found.images), found.classes, fooling, levels),
        "symptoms": attacks.symptoms(attacked, found.images, found.classes),
    }


def _rejecting(chains: Chains, target: Target, rate: float) -> Target:
    """The network whose fooling class takes a share of clean images: a class and its threshold in one."""
    return rejecting(target, conformal_quantile(margins(target, chains.dataset.test_images), 1.0 - rate))
