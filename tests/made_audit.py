"""A made-up audit: numbers that are easily told apart, and images of one grey level each."""

import json
from pathlib import Path

import numpy as np

from fooljax.report import save_png

GENERATORS = ("direct", "cppn", "gradient", "random_search_direct", "uniform_noise")
LEVELS = ("0.5", "0.99", "0.999", "0.9999", "clean_median", "tau95", "tau99")


def share(value, images=50):
    """A share with an interval that is narrower the more images there are."""
    room = images**-0.5 / 2
    return {"share": value, "low": max(0.0, value - room), "high": min(1.0, value + room)}


def attack(generator, odds, passes=20_000, fooled=1.0, knows=None):
    control = generator.endswith("noise")
    return {
        "generator": generator,
        "knows": knows,
        "passes": 0 if control else passes,
        "runs": 5,
        "images": 50,
        "log_odds": {"median": odds, "low": odds - 1.5, "high": odds + 2.0},
        "shares": {level: share(fooled) for level in LEVELS},
        "scaled_shares": {level: share(fooled) for level in LEVELS},
        "passes_to": {}
        if control
        else {
            level: {
                "reached": round(50 * fooled),
                "of": 50,
                "median": count if fooled >= 0.5 else None,
            }
            for level, count in (("0.5", 400), ("0.99", 1600), ("0.9999", 3200))
        },
        "flags": [] if fooled else ["fewer than 5 runs, or their best is far above their median"],
    }


def content(classes=10, name="digits", **changes):
    """An audit as `audit.json` holds it."""
    made = {
        "format": "fooljax-audit",
        "version": 1,
        "network": {
            "name": name,
            "from": "digits.onnx",
            "classes": classes,
            "image_shape": [28, 28, 1],
            "class_names": [f"class {index}" for index in range(classes)],
            "params_sha256": "ab" * 32,
            "gradients": True,
            "preprocessing": "Levels are divided by 255; logits are taken as they are.",
        },
        "command": "fooljax audit digits.onnx --images idx:mnist --budget 20000 --outdir audits/digits",
        "data": {
            "described": "MNIST, test images",
            "images": 10_000,
            "split": {"thresholds": 4000, "detectors": 4000, "tables": 2000},
            "accuracy": share(0.99, 10_000),
        },
        "checks": [
            {"name": "logits", "passed": True, "words": "The network gives logits."},
            {"name": "batches", "passed": False, "words": "An image's logits depend on its batch."},
            {"name": "order of channels", "passed": None, "words": "The images have one channel."},
        ],
        "thresholds": {
            "temperature": 1.2,
            "clean_median": 12.5,
            "tau95": 5.25,
            "tau99": 1.75,
            "scaled": {"clean_median": 10.0, "tau95": 4.5, "tau99": 1.5},
        },
        "budget": [
            {"what": "direct", "detectors": 0, "runs": 5, "passes": 20_000, "total": 100_000},
            {"what": "direct", "detectors": 1, "runs": 5, "passes": 20_000, "total": 100_000},
            {"what": "checks, clean images and scores", "detectors": 0, "runs": 1, "passes": 30, "total": 30},
        ],
        "attacks": [
            attack("direct", 11.0),
            attack("cppn", 12.0, fooled=0.9),
            attack("gradient", 30.0),
            attack("direct", 9.5, knows="mahalanobis", fooled=0.6),
            attack("random_search_direct", 1.0, fooled=0.0),
            attack("uniform_noise", -4.0, fooled=0.0),
        ],
        "classes": [
            {
                "index": index,
                "name": f"class {index}",
                "generator": GENERATORS[index % 3],
                "log_odds": 20.0 - index,
                "confidence": 0.99999,
                "passes_to_9999": 1000 * (index + 1) if index < classes - 1 else None,
                "image": f"pictures/{index:04d}.png",
            }
            for index in range(classes)
        ],
        "detectors": [
            {
                "name": name,
                "auroc": {"direct": 0.98, "cppn": 0.91, "gradient": 0.5},
                "caught": {
                    rate: {"direct": share(caught), "cppn": share(caught), "gradient": share(0.0)}
                    for rate, caught in (("0.95", 0.9), ("0.99", 0.7))
                },
                "knowing": {rate: {"direct": share(0.1)} for rate in ("0.95", "0.99")}
                if name == "mahalanobis"
                else None,
                "through": {rate: {"direct": share(0.8)} for rate in ("0.95", "0.99")}
                if name == "mahalanobis"
                else None,
            }
            for name in ("msp", "mahalanobis")
        ],
        "judges": [
            {
                "name": "knn",
                "right": share(0.97, 10_000),
                "fault": "",
                "agrees": {"direct": share(0.1), "cppn": share(0.2)},
            }
        ],
        "transfer": [
            {"network": "mlp", "generator": "direct", "images": 50, "same": share(0.4), "sure": share(0.1)}
        ],
        "survival": [
            {
                "generator": "direct",
                "nearest_percentile": 99.5,
                "named": {
                    "grey_level": share(0.9),
                    "shift": share(0.2),
                    "jpeg": share(0.7),
                    "blur": share(0.1),
                },
            }
        ],
        "strength": ["The network alone was not overcome, and no sign of a weak attack was found."],
        "not_tested": ["Whether people recognise the images was not measured."],
        "verdict": [
            "The network is easily fooled.",
            "Half of the classes were at 99.99 % after 3,200 network passes.",
            "A detector catches most images that know nothing of it.",
            "Images that know it get through.",
            "No other network was as sure.",
        ],
        "cost": {"passes": 420_000, "seconds": 95.5, "machine": "CPU, 2 threads"},
    }
    return made | changes


def write(folder, **changes):
    """An audit's folder with its images and `audit.json`."""
    made = content(**changes)
    folder = Path(folder)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for line in made["classes"]:
        level = 20 * line["index"] % 256
        save_png(np.full(made["network"]["image_shape"], level, np.uint8), folder / line["image"])
    (folder / "audit.json").write_text(json.dumps(made), encoding="utf-8")
    return folder
