"""Do different runs find different images of one class? Distances between runs, classes and clean images.

    python -m experiments.run_diversity --outdir runs/run_diversity --size paper --data idx:DIR

Several runs against one network each give an image of every class. Images of one class from different runs
are held against images of different classes from one run, in pixels and in the features of another network
that was trained independently, and both against clean images. Lines of ancestors tell which classes of a run
share theirs. Threat model: searches see logits, gradient ascent also gradients. Paper: figures 7, 8 and 10.
"""

import base64
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax import study
from fooljax.analysis.correlations import spearman
from fooljax.analysis.difficulty import logit_correlations
from fooljax.analysis.diversity import (
    distance_metrics,
    images_by_class,
    pairs_within,
    relatives_closer,
    shared_ancestry,
)
from fooljax.cli.study import run_study
from fooljax.data.imagenet import NUM_CLASSES, family_of
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.report.run_diversity import figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import ImageSet, ImageSets, Row, SetSpec, Task, Workspace, measured_sets
from fooljax.study.generators import GENERATORS, NOISE
from fooljax.study.images import sheet_of, small
from fooljax.study.network_thresholds import PHOTOGRAPHS, clean_answers, clean_images
from fooljax.targets.choice import read_classes
from fooljax.targets.features import features_of
from fooljax.targets.image_sizes import fitted

KINDS = (
    *("cppn_paper", "cppn", "direct", "gradient"),
    *("random_search_cppn_paper", "random_cppn_paper", "random_search_direct"),
    *("uniform_noise", "gaussian_noise"),
)
"""Generators: four that fool, then the controls."""
CLEAN_OF_CLASS = 20
"""Clean images of each class whose distances are taken."""
SHOWN = 10
"""Classes whose images a row holds, for figures."""
LEAST_PAIRS = 4
"""Pairs of classes of which a correlation is told, at least."""
Images = npt.NDArray[np.uint8]
Features = Callable[[Images], npt.NDArray[np.floating]]


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    runs: int = option(5, "Number of image sets of each generator against each network.", least=2)
    paper_passes: int = option(
        40_000,
        "Network passes of a set that the paper's search makes.",
        source="The paper's 200 x 200.",
        least=400,
    )
    generators: str = option(",".join(KINDS), "Kinds of images that are measured, with commas.")
    judge: str | None = option(
        None, "Network whose features tell how alike images are; off means the next of --networks.", kind=str
    )


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {**measured_sets.SMOKE, "generators": "cppn,uniform_noise"},
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """For each network its clean images and one task for each kind of image, of all runs."""
    del rows
    names = measured_sets.network_names(config)
    for number, name in enumerate(names):
        judge = names[(number + 1) % len(names)] if config.judge is None else config.judge
        if judge == name:
            raise InputError(f"--judge: expected another network than {name}, or two in --networks")
        settings = {"network": name, "judge": judge, "classes": config.classes}
        clean = {"images": "clean", "data": _clean_data(config)}
        yield Task(f"clean,{name}", {**settings, **clean}, (name, judge), name)
        for generator in measured_sets.parse_choices(config.generators, GENERATORS):
            passes = config.paper_passes if generator.endswith("_paper") else config.passes
            more = {"images": generator, "runs": config.runs, "passes": passes}
            yield Task(f"{generator},{name}", {**settings, **more}, (name, judge), name)


def _clean_data(config: Config) -> str:
    """Names the clean images."""
    return PHOTOGRAPHS if config.imagefolder else config.data


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """What is found of one network: distances, and what the lines of ancestors say."""
    config = workspace.config
    target, judge = map(workspace.network, tasks[0].networks)
    features, cells = _features(judge), read_classes(config.classes, len(target.class_names))
    chosen = range(len(target.class_names)) if cells is None else cells
    data = _clean_data(config)
    clean = clean_answers(workspace, tasks[0].networks[0], data)
    together = logit_correlations(clean.odds)[np.ix_(chosen, chosen)]
    families = [family_of(index) if len(target.class_names) == NUM_CLASSES else "" for index in chosen]
    shown = config.networks.partition(",")[0]
    for task in tasks:
        settings = task.settings
        if settings["images"] == "clean":
            named, images, labels = clean_images(workspace, target, data)
            beside = images_by_class(images, labels, chosen, CLEAN_OF_CLASS)
            yield {"clean_data": named, **_distances(beside, features, families)}
            continue
        name = settings["network"], settings["images"]
        specs = [SetSpec(*name, run, settings["passes"], cells) for run in range(settings["runs"])]
        found = ImageSets(config.images).get_many(specs, target)
        made = np.stack([one.images for one in found])
        odds = [score(target, one.images) for one in found]
        yield {
            "sets": [one.digest for one in found],
            "target_sha256": target.provenance.get("params_sha256"),
            "log_odds": [one.log_odds.tolist() for one in found],
            "shares": [clean.thresholds.shares(one, of.classes) for one, of in zip(odds, found, strict=True)],
            **_distances(made, features, families),
            **(_ancestors(found, features, together) if found[0].ancestry else {}),
            **(_sheet(made, target, chosen) if shown == name[0] and name[1] not in NOISE else {}),
            **(_lines(found) if shown == name[0] and found[0].ancestry else {}),
        }


def _features(judge: Target) -> Features:
    """The features of a network; of one that has none its log-odds, that is what it says of all classes."""

    def answers(images: Images) -> npt.NDArray[np.floating]:
        return score(judge, fitted(images, judge))

    return features_of(judge) or answers


def _distances(
    images: Images, features: Features, families: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Distances between the images `[R, C, H, W, K]` in pixels and in features."""
    kinds = images.shape[:2]
    seen = features(images.reshape(-1, *images.shape[2:]))
    vectors = {"pixels": images.reshape(*kinds, -1) / 255.0, "features": seen.reshape(*kinds, -1)}
    return {
        name: {**distance_metrics(some), "families": relatives_closer(some, families)}
        for name, some in vectors.items()
    }


def _ancestors(
    found: Sequence[ImageSet], features: Features, together: npt.NDArray[np.float64]
) -> dict[str, list[Any]]:
    """Of each run, over its pairs of classes: ancestors in common, and whether they go with being alike."""
    pairs = np.triu_indices(len(together), 1)
    columns: dict[str, list[Any]] = {"shared": [], "shared_distance": [], "shared_related": []}
    for one in found:
        shared = shared_ancestry(one.ancestry)
        columns["shared"].append(float(np.mean(shared)))
        near = -pairs_within(features(one.images))
        for name, values in (("shared_distance", near), ("shared_related", together[pairs])):
            rho = spearman(shared, values).rho.estimate if len(shared) >= LEAST_PAIRS else np.nan
            columns[name].append(rho if np.isfinite(rho) else None)
    return columns


def _sheet(images: Images, target: Target, classes: Sequence[int]) -> dict[str, Any]:
    """Some of the images, small ones of large, of which figures are made, and the names of their classes."""
    flat = small(np.concatenate(images[:, :SHOWN]))
    names = [target.class_names[index] for index in classes[:SHOWN]] if target.class_names else None
    shape = [len(images), len(flat) // len(images), *flat.shape[1:]]
    return {"sheet": base64.b64encode(sheet_of(flat)).decode(), "sheet_shape": shape, "sheet_names": names}


def _lines(found: Sequence[ImageSet]) -> dict[str, Any]:
    """Of each run the lines of ancestors of the images of the sheet."""
    return {"lines": [one.ancestry[:SHOWN] for one in found]}


__all__ = ["STUDY", "Config", "findings", "main"]
STUDY = study.Study(
    "run_diversity",
    "Measures how far images of one class from different runs differ.",
    Config,
    tasks,
    measured_sets.network,
    measure,
    tables,
    figures,
    measured_sets.check_network,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
