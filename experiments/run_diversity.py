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

from fooljax import data, study
from fooljax.analysis.correlations import spearman
from fooljax.analysis.difficulty import going_together
from fooljax.analysis.diversity import closer, pair_distances, pairs_within, shared_ancestry
from fooljax.analysis.thresholds import clean_thresholds
from fooljax.cli.study import run_study
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.report.findings import of_run_diversity
from fooljax.report.run_diversity import figures, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import ImageSet, ImageSets, ImageSettings, Row, SetSpec, Task, Workspace
from fooljax.study.generators import GENERATORS
from fooljax.study.images import sheet_of
from fooljax.targets.collection import find
from fooljax.targets.features import features_of

CLEAN_OF_CLASS = 20
"""Clean images of each class whose distances are taken."""
NETWORKS = 5
KINDS = (
    *("cppn", "direct", "gradient", "random_cppn", "random_search_cppn", "random_search_direct"),
    *("uniform_noise", "gaussian_noise"),
)
"""Generators of `fooljax.study.generators`: three that fool, and the controls."""
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Config(ImageSettings):
    """Settings; the defaults are those of the published table."""

    data: str = option("embedded", "Digits whose test images are the clean ones: embedded, idx:DIR, tfds.")
    networks: int = option(NETWORKS, "Number of LeNets that come with fooljax.", least=1, most=NETWORKS)
    runs: int = option(5, "Number of runs against each.", least=2, most=100)
    passes: int = option(20_000, "Network passes of a run.", least=400)
    generators: str = option(",".join(KINDS), "Kinds of images that are measured, with commas.")


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {"networks": 2, "runs": 2, "passes": 2000, "generators": "cppn,uniform_noise"},
    "paper": {"networks": NETWORKS, "runs": 5, "passes": 20_000},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """One for each network and kind of image, of all runs; first the clean images of each network."""
    del rows
    for seed in range(config.networks):
        names = f"lenet-{seed}", f"lenet-{(seed + 1) % NETWORKS}"
        told = {"network": names[0], "features_of": names[1], "data": config.data}
        yield Task(f"clean,{names[0]}", {**told, "images": "clean"}, names)
        for generator in config.generators.split(","):
            if generator not in GENERATORS:
                known = ", ".join(GENERATORS)
                raise InputError(f"--generators: expected some of {known}, got {generator}")
            more = {"images": generator, "runs": config.runs, "passes": config.passes}
            yield Task(f"{generator},{names[0]}", {**told, **more}, names)


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name."""
    del config
    return find(name, say=say)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The distances of one kind of image, and what the lines of ancestors say."""
    (task,) = tasks
    told, (target, other) = task.settings, map(workspace.network, task.networks)
    digits = data.load(workspace.config.data)
    features = features_of(other)
    assert features is not None
    if told["images"] == "clean":
        images = _by_class(digits.test_images, digits.test_labels)
        yield {"clean_data": digits.name, **_distances(images, features)}
        return
    specs = [SetSpec(told["network"], told["images"], run, told["passes"]) for run in range(told["runs"])]
    found = ImageSets(workspace.config.images).get_many(specs, target)
    clean = score(target, digits.test_images)
    images = np.stack([one.images for one in found])
    odds = score(target, np.concatenate(images))
    classes = np.tile(found[0].classes, len(found))
    yield {
        "sets": [one.digest for one in found],
        "target_sha256": target.provenance.get("params_sha256"),
        "log_odds": [one.log_odds.tolist() for one in found],
        "shares": clean_thresholds(clean, digits.test_labels).shares(odds, classes),
        **_distances(images, features),
        **(_ancestors(found, features, going_together(clean)) if found[0].ancestry else {}),
        **(_sheet(images) if told["network"] == "lenet-0" else {}),
    }


def _sheet(images: Images) -> dict[str, Any]:
    """The images themselves, of which figures are made."""
    sheet = base64.b64encode(sheet_of(np.concatenate(images))).decode()
    return {"sheet": sheet, "image_shape": list(images.shape[2:])}


def _by_class(images: Images, labels: npt.NDArray[np.integer]) -> Images:
    """`[R, C, H, W, K]`: the first images of each class."""
    classes = [images[labels == index][:CLEAN_OF_CLASS] for index in range(labels.max() + 1)]
    return np.stack(classes, axis=1)


def _distances(
    images: Images, features: Callable[[Images], npt.NDArray[np.float32]]
) -> dict[str, dict[str, float]]:
    """Median distances by kind of pair, in pixels and in features, of `[R, C, H, W, K]`."""
    found = {}
    flat = images.reshape(-1, *images.shape[2:])
    for name, vectors in (("pixels", flat.reshape(len(flat), -1) / 255.0), ("features", features(flat))):
        pairs = pair_distances(vectors.reshape(*images.shape[:2], -1))
        found[name] = {kind: float(np.median(some)) for kind, some in pairs._asdict().items()}
        found[name]["closer"] = closer(pairs.same_class, pairs.same_run)
        found[name]["closer_apart"] = closer(pairs.same_class, pairs.apart)
    return found


def _ancestors(
    found: Sequence[ImageSet],
    features: Callable[[Images], npt.NDArray[np.float32]],
    together: npt.NDArray[np.float64],
) -> dict[str, list[Any]]:
    """Of each run, over its pairs of classes: ancestors in common, and whether they go with being alike."""
    pairs = np.triu_indices(len(together), 1)
    columns: dict[str, list[Any]] = {"shared": [], "shared_distance": [], "shared_related": []}
    for one in found:
        shared = shared_ancestry(one.ancestry)
        columns["shared"].append(float(np.mean(shared)))
        near = -pairs_within(features(one.images))
        for name, values in (("shared_distance", near), ("shared_related", together[pairs])):
            rho = spearman(shared, values).rho.estimate
            columns[name].append(rho if np.isfinite(rho) else None)
    return columns


STUDY = study.Study(
    "run_diversity",
    "Measures how far images of one class from different runs differ.",
    Config,
    tasks,
    network,
    measure,
    tables,
    figures,
)
findings = of_run_diversity
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
