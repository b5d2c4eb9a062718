"""Writes detectors.npz: scores of pytorch-ood's detectors, for the test that holds ours against them.

    pip install -e '.[golden]' && python tests/golden/make_detectors.py

Features, logits and images are drawn here and stand in the file, beside the scores. A higher score is more
suspicious there, too. pytorch-ood is licensed under Apache 2.0.
"""

from pathlib import Path

import numpy as np
import torch
from pytorch_ood import detector as peers
from torch import nn

FITTED, SHOWN, FEATURES, CLASSES, SIDE = 400, 40, 24, 4, 6


def main():
    rng = np.random.default_rng(0)
    labels = np.arange(FITTED) % CLASSES
    kernel = rng.normal(0.0, 0.5, (FEATURES, CLASSES))
    bias = rng.normal(0.0, 0.3, CLASSES)
    clean = np.maximum(rng.normal(0.3, 1.0, (FITTED, FEATURES)) + 1.5 * kernel.T[labels], 0.0)
    shown = np.maximum(rng.normal(0.0, 2.0, (SHOWN, FEATURES)), 0.0)
    images = rng.uniform(size=(SHOWN, SIDE, SIDE, 1))
    pixels = rng.normal(0.0, 1.0, (SIDE * SIDE, CLASSES))
    arrays = {
        **{"clean": clean, "labels": labels, "shown": shown, "images": images},
        **{"kernel": kernel, "bias": bias, "pixels": pixels},
    }
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    told = {name: torch.from_numpy(array) for name, array in arrays.items()}
    of_clean = told["clean"] @ told["kernel"] + told["bias"]
    logits = told["shown"] @ told["kernel"] + told["bias"]
    classes = told["labels"].long()
    network = nn.Linear(SIDE * SIDE, CLASSES, bias=False)
    network.weight.data = told["pixels"].T.contiguous()
    odin = peers.ODIN(network, eps=0.0014, temperature=1000.0)
    right = of_clean.argmax(dim=1) == classes
    fitted = {
        "mahalanobis": peers.Mahalanobis(None),
        "relative_mahalanobis": peers.RMD(None),
        "knn": peers.KNN(None, k=10),
        "vim": peers.ViM(None, d=FEATURES // 2, w=told["kernel"].T, b=told["bias"]),
    }
    scores = {
        "msp": peers.MaxSoftmax.score(logits),
        "max_logit": peers.MaxLogit.score(logits),
        "energy": peers.EnergyBased.score(logits),
        "entropy": peers.Entropy.score(logits),
        "odin": odin.predict(told["images"].reshape(SHOWN, -1)),
        **{
            name: one.fit_features(told["clean"], classes).predict_features(told["shown"])
            for name, one in fitted.items()
        },
    }
    openmax = peers.OpenMax(None, tailsize=20, alpha=10)
    openmax.fit_logits(of_clean[right], classes[right])
    scores["openmax"] = openmax.predict_logits(logits)
    arrays |= {f"score_{name}": np.asarray(score.detach(), np.float64) for name, score in scores.items()}
    np.savez_compressed(Path(__file__).with_name("detectors.npz"), **arrays)


if __name__ == "__main__":
    main()
