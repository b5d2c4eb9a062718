"""What a panel found, as plain numbers for files and tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fooljax.analysis.panel import Panel, PanelResult
from fooljax.engine.log_odds import FOOLED, confidence


def of_panel(panel: Panel, sets: Mapping[str, PanelResult]) -> dict[str, Any]:
    """What the judges are, and what came out for each set of images: `panel` in `summary.json`."""
    judges = {}
    for name, judge in panel.judges.items():
        one = panel.calibrations[name]
        judges[name] = {
            "name": judge.name,
            "sha256": judge.provenance.get("params_sha256"),
            "same_family": name in panel.relatives,
            "names_clean_images_rightly": one.right,
            "recognises_clean_images": one.recognised,
            "threshold_log_odds": one.threshold if one.clean_images else None,
            "threshold_confidence": float(confidence(one.threshold)) if one.clean_images else None,
            "noise_as_sure": one.noise_accepted,
            "refused": one.fault or None,
        }
    return {
        "judges": judges,
        "clean_images": None
        if panel.data is None
        else {
            "dataset": panel.data.name,
            "source": panel.data.source,
            "calibrated_on": max(one.clean_images for one in panel.calibrations.values()),
            "distances_to": len(panel.data.train_labels) if panel.controls["clean"].apart else None,
            "held_out_from_all_networks": panel.held_out,
        },
        "features_of": panel.features_of or None,
        "sets": {name: of_set(found) for name, found in sets.items()},
    }


def of_set(found: PanelResult) -> dict[str, Any]:
    """What came out for one set of images.

    Counts of what no judge, or every one, agrees with are of the images that fool the network; all others are
    of all images.
    """
    fooling = found.fooling
    others = fooling.none_of_others
    return {
        "images": len(found.classes),
        "fooled": int(np.sum(fooling.fooled)),
        "no_judge_agrees": int(np.sum(fooling.none)),
        "no_judge_of_another_family_agrees": None if others is None else int(np.sum(others)),
        "every_judge_agrees": int(np.sum(fooling.every)),
        "judges": {
            name: {
                "agrees": int(np.sum(fooling.agrees[name])) if name in fooling.agrees else None,
                "names_the_class": int(np.sum(verdict.top == found.classes)),
                "median_log_odds": float(np.median(verdict.own)),
            }
            for name, verdict in found.verdicts.items()
        },
        "distances": {
            name: {
                "median": float(np.median(one.distances)),
                "median_percentile": float(np.median(one.percentiles)),
                "nearest_is_of_the_class": int(np.sum(one.classes == found.classes)),
            }
            for name, one in found.apart.items()
        },
        "after": {
            name: {
                "still_named": int(np.sum(one.named)),
                "still_fooled": int(np.sum(fooling.fooled & (one.log_odds >= FOOLED))),
                "median_log_odds": float(np.median(one.log_odds)),
            }
            for name, one in found.survival.items()
        },
    }
