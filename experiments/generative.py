r"""Are classifiers of p(x, y) harder to fool than those of p(y given x)? All are attacked at one budget.

    python -m experiments.generative --size smoke --outdir runs/generative
    python -m experiments.generative --size paper --data idx:DIR --outdir runs/generative

LeNets and MLPs are compared with a mixture and a VAE for each class, all trained on the same images. The
attacks see logits or gradients of the whole classifier, its inference included. Then the generative ones may
reject what is less likely than 99 % or 95 % of clean images, and are attacked anew by searches that know it.
All numbers are of saved 8-bit images. Source: Nguyen et al. 2015, section 4 (the conjecture); Schott et al.
2019 (such a classifier).
"""

import functools
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fooljax import generative, study
from fooljax.cli.study import run_study
from fooljax.engine.types import Target
from fooljax.errors import InputError, shown
from fooljax.generative.trained import REJECTIONS
from fooljax.report.generative import REJECTING, findings, tables
from fooljax.report.generative_figures import figures
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace, attacks, generative_attacks, measured_sets
from fooljax.study.image_sets import ImageSets
from fooljax.study.images import sheet_of

__all__ = ["STUDY", "Config", "findings", "main"]

GENERATORS = (*attacks.FRESH, "random_search_cppn", "random_search_direct")
SHOWN = attacks.FRESH
"""Generators whose images of the first run stand in the row, for the figure."""


LEVELS = tuple(f"{rate:g}" for rate in REJECTIONS)


@dataclass(frozen=True)
class Config(measured_sets.SetSettings):
    """Settings; the defaults are those of the published table."""

    networks: str = option(
        ",".join(f"{kind}-{seed}" for kind in ("lenet", "mlp", "mixture", "vae") for seed in range(2)),
        "Networks by name, with commas between them; vae-0 and mixture-0 are generative, of seed 0.",
    )
    generators: str = option(",".join(GENERATORS), "What makes the images, with commas.")
    rejections: str = option(
        ",".join(LEVELS),
        "Shares of clean images that the generative classifiers may reject, with commas, or none.",
    )
    judges: str = option("knn,lenet-2,mlp-2", "Networks that are asked what they see, with commas.")
    fewer_passes: int = option(
        0, "A smaller budget that tells whether more passes help; 0 for none.", least=0
    )


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0,mixture-0", "judges": "knn", "rejections": "0.05", "runs": 1, "passes": 400},
        "generators": "direct",
    },
    "paper": {"runs": 2, "passes": 3000, "generators": "direct,gradient"},
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """What each network is; then the sets of images made for it."""
    del rows
    data = measured_sets.data_settings(config)
    judges = tuple(measured_sets.parse_judges(config.judges, measured_sets.network_names(config)))
    wanted = measured_sets.parse_choices(config.generators, GENERATORS)
    names = [one for name in measured_sets.network_names(config) for one in _with_rejecting(name, config)]
    for name in names:
        yield Task(f"network,{name}", {"kind": "network", "network": name, **data}, (name,))
    for generator in wanted:
        for name in names:
            for passes in _budgets(config, name, generator):
                together = f"{name},{generator},passes={passes}"
                for run in range(config.runs):
                    settings = {"network": name, "generator": generator, "run": run, "budget": passes}
                    settings |= {"kind": "images", "judges": list(judges), **data}
                    yield Task(f"{together},run={run}", settings, (name, *judges), together)


def _budgets(config: Config, name: str, generator: str) -> list[int]:
    """Passes of a set; a generative classifier is searched with fewer, too, to see whether more help."""
    also = (
        config.fewer_passes and generator in attacks.FRESH and name not in measured_sets.network_names(config)
    )
    return [config.passes, config.fewer_passes] if also else [config.passes]


def _with_rejecting(name: str, config: Config) -> list[str]:
    """A network, and if it is generative, the same with the right to reject images."""
    rates = [] if config.rejections == "none" else config.rejections.split(",")
    if wrong := [rate for rate in rates if rate not in LEVELS]:
        raise InputError(
            f"--rejections: expected some of {', '.join(LEVELS)}, or none, got {shown(wrong[0])}"
        )
    return [name, *(f"{name}{REJECTING}{rate}" for rate in rates if generative.is_generative(name))]


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """The network of a name, which may end in the share of clean images that it rejects."""
    plain, _, rate = name.partition(REJECTING)
    target = measured_sets.network(config, plain, say)
    return generative.rejecting_share(target, rate) if rate else target


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """What a network says of clean images and noise, or the sets of all runs."""
    settings, dataset = tasks[0].settings, measured_sets.dataset_of(workspace.config.data)
    name = settings["network"]
    target = workspace.network(name)
    if settings["kind"] == "network":
        yield generative_attacks.network_metrics(workspace, name, dataset)
        return
    # Sets of one folder are told apart by the data, too, since a name means another network with other data.
    label, cells = f"{dataset.digest[:6]}.{name}", tuple(range(dataset.num_classes))
    runs = [task.settings["run"] for task in tasks]
    specs = attacks.specs(label, [settings["generator"]], runs=runs, passes=settings["budget"], cells=cells)
    sets = ImageSets(workspace.config.images)
    thresholds = generative_attacks.thresholds_of(workspace, name, dataset)
    for found, facts in attacks.make_and_measure(sets, specs, target, thresholds):
        if (
            found.spec.run == 0
            and settings["generator"] in SHOWN
            and settings["budget"] == workspace.config.passes
        ):
            facts |= {"png": b64encode(sheet_of(found.images)).decode(), "shape": list(found.images.shape)}
        yield {**facts, **generative_attacks.judge_set(workspace, name, settings["judges"], dataset, found)}


STUDY = study.Study(
    "generative",
    "Attacks classifiers of p(x, y) and of p(y | x) at one budget, and those that reject unlikely images.",
    Config,
    tasks,
    network,
    measure,
    tables,
    figures,
)
main = functools.partial(run_study, STUDY, sizes=SIZES)

if __name__ == "__main__":
    sys.exit(main())
