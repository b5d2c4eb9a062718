r"""How large are the features that decide? Images are hidden in part, filtered, and cut into shuffled pieces.

    python -m experiments.feature_size --outdir runs/feature_size --size paper --data idx:DIR

Evolved and clean images lose a window or everything else, low or high frequencies, or the order of their
pieces. The log-odds that are left say how large the features are that a network reads. The authors' talk says
that networks read medium-sized features, not whole structures: Nguyen et al. 2015, section 3.2 and figure 9.
"""

import functools
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fooljax import study
from fooljax.analysis.feature_size import band, grid_places, shuffled
from fooljax.analysis.salient_pixels import RULES, STEPS, keep_salient_pixels
from fooljax.analysis.windows import Image, isolate_windows, remove_windows
from fooljax.cli.study import run_study
from fooljax.data.embedded import embedded_digits
from fooljax.engine.types import Target, checked_shape
from fooljax.host_targets import HostFunction
from fooljax.report.feature_size import LEAST, figures, findings, tables
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, measured_sets
from fooljax.study.images import sheet_of, small

GENERATORS = (
    "cppn",
    "direct",
    "gradient",
    measured_sets.CLEAN,
    "random_search_cppn",
    "random_search_direct",
    "random_cppn",
    "uniform_noise",
    "gaussian_noise",
)
PARTS = (224, 112, 56, 28, 14, 9, 7, 5, 4, 3, 2)
"""Pieces along a side; as many as there are pixels, at most."""
WINDOWS = (0.07, 0.15, 0.25, 0.36, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Sides of windows over that of the image."""
PERCENT = (1, 2, 3, 5, 10, 20, 30, 50, 75)
"""Of the pixels that are left."""
CUTOFFS = (1, 2, 3, 4, 5, 6, 8, 11, 14, 28, 56, 112)
"""Cycles per image; half the image's side at most."""
Sizes = Mapping[str, Sequence[int]]
SHOWN = 4
"""The class whose image is shown, by its place in the set; the last where there are fewer."""
SHOWN_DRAWS = 8
"""Orders out of which the one that is shown moves a piece."""


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    generators: str = option(",".join(GENERATORS), "Kinds of images that are measured, with commas between.")
    draws: int = option(8, "Orders in which pieces are shuffled, for each image and size.", least=1)
    steps: int = option(
        STEPS, "Gradients of each image between one share of telling pixels and the next.", least=1
    )
    windows: int = option(16, "Windows of each size, at most, out of those that cover the image.", least=1)


SIZES = {
    "smoke": {
        **measured_sets.SMOKE,
        **{"generators": "cppn,gradient,clean,uniform_noise", "runs": 1, "draws": 2, "windows": 4},
    },
    "paper": {},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """A task for each network, generator and run."""
    del rows
    for task in measured_sets.tasks(
        config, measured_sets.parse_choices(config.generators, (*GENERATORS, measured_sets.ARCHIVE))
    ):
        settings = {**task.settings, "draws": config.draws, "windows": config.windows}
        settings["steps"] = config.steps
        settings["shown"] = settings["run"] == 0 and settings["network"] == config.networks.split(",")[0]
        yield Task(task.name, settings, task.networks, task.together)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """The share of log-odds that is kept, the median over a set's images with 90 % or more to lose."""
    for task, (target, one) in zip(tasks, measured_sets.measured(workspace, tasks), strict=True):
        shape = checked_shape(target.image_shape)
        side = min(shape[:2])
        sizes = {
            "pieces": [side // parts for parts in PARTS if parts <= side],
            "windows": [round(share * side) for share in WINDOWS],
            "cutoffs": [cycles for cycles in CUTOFFS if 2 * cycles <= side],
            "percent": PERCENT,
        }
        rng = np.random.default_rng(task.settings["run"])
        some = np.flatnonzero(one.log_odds >= LEAST)
        kept: dict[str, list[list[float]]] = {}
        for place in some:
            found = _kept(target, one.images[place], int(one.classes[place]), sizes, task.settings, rng)
            for name, values in found.items():
                kept.setdefault(name, []).append(values)
        if some.size and not isinstance(target.apply, HostFunction):
            shares = [percent / 100.0 for percent in reversed(PERCENT)]
            classes = one.classes[some]
            odds = [
                [score(target, left)[range(some.size), classes] for left in images]
                for images in (
                    keep_salient_pixels(
                        target, one.images[some], classes, shares, rule, task.settings["steps"]
                    )
                    for rule in RULES
                )
            ]
            kept["pixels"] = np.max(odds, axis=0)[::-1].T.tolist()
        before = one.log_odds[some][:, None]
        figures = {**one.facts, "images": len(one.images), "counted": some.size, "sizes": sizes}
        figures["kept"] = {
            name: np.median(values / before, axis=0).round(4).tolist() for name, values in kept.items()
        }
        if task.settings["shown"]:
            figures |= _example(target, one, task.settings["generator"], sizes, rng)
        yield figures


def _changes(image: Image, sizes: Sizes, rng: np.random.Generator) -> dict[str, Any]:
    """Functions that make a changed image, by kind and size: one draw of what is drawn."""

    def of(kind: str, change: Callable[[int], Image]) -> list[Callable[[], Image]]:
        return [functools.partial(change, size) for size in sizes[kind]]

    return {
        "shuffled": of("pieces", lambda side: shuffled(image, side, rng)),
        "low": of("cutoffs", lambda cycles: band(image, 0, cycles)),
        "high": of("cutoffs", lambda cycles: band(image, cycles, np.inf)),
    }


def _kept(
    target: Target,
    image: Image,
    cell: int,
    sizes: Sizes,
    settings: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """The log-odds of each kind and size of change.

    Of shuffled pieces and hidden windows it is the mean over draws; of windows alone, that of the best one.
    """
    made: list[tuple[str, int, Any, list[Image]]] = []
    for kind, changes in _changes(image, sizes, rng).items():
        draws = settings["draws"] if kind == "shuffled" else 1
        made += [
            (kind, place, np.mean, [change() for _ in range(draws)]) for place, change in enumerate(changes)
        ]
    for place, side in enumerate(sizes["windows"]):
        places = grid_places(image.shape, side)
        chosen = rng.permutation(len(places))[: settings["windows"]]
        for kind, change, sum_up in (("hidden", remove_windows, np.mean), ("alone", isolate_windows, np.max)):
            windows = [change(image, [places[number]], (side, side)) for number in chosen]
            made.append((kind, place, sum_up, windows))
    odds = score(target, np.stack([one for *_, some in made for one in some]))[:, cell]
    ends = np.cumsum([len(some) for *_, some in made])
    found: dict[str, list[float]] = {}
    for (kind, _, sum_up, some), end in zip(made, ends, strict=True):
        found.setdefault(kind, []).append(float(sum_up(odds[end - len(some) : end])))
    return found


def _example(
    target: Target, one: measured_sets.Measured, generator: str, sizes: Sizes, rng: np.random.Generator
) -> dict[str, Any]:
    """An image of a set and some of its changed forms, with their log-odds.

    Rows hold no picture of a data set. The digit that is shown comes with a package; others are not shown.
    """
    images, classes = one.images, one.classes
    if generator == measured_sets.CLEAN:
        if images.shape[1:] != (28, 28, 1):
            return {}
        images, classes = embedded_digits().test_images, embedded_digits().test_labels
    last = len(images) - 1
    image, cell = images[min(SHOWN, last)], int(classes[min(SHOWN, last)])
    made, names = [image], ["whole"]
    for kind, changes in _changes(image, sizes, rng).items():
        steps = sizes["pieces" if kind == "shuffled" else "cutoffs"]
        for size, change in zip(steps, changes, strict=True):
            # Of few pieces an order may come in which all stay where they are, which shows nothing.
            draws = [change() for _ in range(SHOWN_DRAWS if kind == "shuffled" else 1)]
            made.append(next((one for one in draws if not np.array_equal(one, image)), draws[0]))
            names.append(f"{kind} {size}")
    odds = score(target, np.stack(made))[:, cell]
    shown = small(np.stack(made))
    named = target.class_names[cell] if target.class_names else cell
    example = {"class": named, "names": names, "log_odds": odds.round(2).tolist()}
    return {"example": {**example, "png": b64encode(sheet_of(shown)).decode(), "shape": shown.shape[1:]}}


STUDY = study.Study(
    "feature_size",
    "Measures which part, which frequencies and which size of pieces carry a decision.",
    Config,
    tasks,
    measured_sets.network,
    measure,
    tables,
    figures,
    measured_sets.check_network,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)
__all__ = ["STUDY", "Config", "findings", "main"]

if __name__ == "__main__":
    sys.exit(main())
