r"""Does it help to show a network its fooling images as a class of their own, round after round?

    python -m experiments.retraining --size smoke --outdir runs/retraining
    python -m experiments.retraining --size paper --data idx:DIR --outdir runs/retraining-mnist

DNN 1 knows the ten digits. CPPN images are evolved against it, those of the first and of the last generation
become an eleventh class, and DNN 2 learns from the enlarged set; then the same again with DNN 2, and so on.
Source: Nguyen et al. 2015, sections 3.6 to 3.8. A chain is a first network and a seed of evolution.

`--size paper` has the paper's sizes: 6,000 images of 300 runs in the first round, 1,000 of 50 runs in each
further one, 40,200 passes a run by the paper's search, 15 rounds, 15 chains, and every network trained from
random parameters for 10,000 steps. It needs some 100 hours of a core. The published rows have `--size
published`: a fifth of the images, each of which counts five times in the training set, so that the class has
the paper's share of it; 1,000 passes a run, by the quickest search; and each network goes on from the one
before for 200 steps, with the paper's batches, optimiser and rate.

Threat model: evolution sees the logits of the defended network, the fooling class among them; gradient ascent
sees its gradients; noise and random CPPNs see nothing. All images are saved 8-bit images.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fooljax import study
from fooljax.analysis.rejection import RATES
from fooljax.cli.study import run_study
from fooljax.data.loading import HELP
from fooljax.defences.chains import Chain, network_of
from fooljax.engine.types import Target
from fooljax.report.retraining import findings, tables
from fooljax.report.retraining_figures import figures
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace
from fooljax.study.chain_folder import STRATEGIES, Chains, Retraining
from fooljax.study.chain_tasks import attacks_of, chain_tasks
from fooljax.study.image_sets import ImageSets, ImageSettings
from fooljax.study.measured_sets import NetworkSettings, dataset_of, network_names
from fooljax.study.parts import Say
from fooljax.study.rounds import attack_figures, round_figures
from fooljax.targets.training import RECIPES

__all__ = ["STUDY", "Config", "findings", "main"]

GENERATORS = ("cppn", "direct", "gradient", "uniform_noise", "gaussian_noise")
"""What each network that is attacked is met by; only the first of them is what it learnt from."""
ENDS = ("random_search_cppn", "random_search_direct", "random_cppn")
"""Controls for the first and the last network of a chain."""


@dataclass(frozen=True)
class Config(ImageSettings):
    """Settings; the defaults are those of the published rows."""

    networks: str = option("lenet-0,lenet-1,lenet-2", "First networks of the chains, with commas between.")
    seeds: int = option(2, "Number of chains that begin with each.", least=1)
    rounds: int = option(15, "Number of rounds; each evolves images against one network.", least=1)
    first_images: int = option(1200, "Fooling images of the first round, 20 for each run.", least=20)
    more_images: int = option(200, "Fooling images of every further round.", least=20)
    copies: int = option(5, "How often each fooling image counts in a training set.", least=1)
    generator: str = option("cppn", "The search that makes them.", choices=tuple(STRATEGIES))
    passes: int = option(1000, "Network passes of a run.", least=400)
    start: str = option("before", "Where a training begins.", choices=("before", "random"))
    recipe: str = option("paper", "The recipe of a training.", choices=tuple(RECIPES))
    steps: int = option(200, "Steps of a training.", least=1)
    attacked: str = option(
        "1,2,5,10,15", "Numbers of the networks that all attacks meet, with commas, or none."
    )
    generators: str = option(",".join(GENERATORS), "Generators of these attacks, with commas between them.")
    end_generators: str = option(",".join(ENDS), "More, for the first and the last network alone; or none.")
    rejects: str = option(
        ",".join(map(str, RATES)),
        "Shares of clean images that networks reject which cppn meets too; or none.",
    )
    attack_passes: int = option(20_000, "Network passes of such an attack.", least=400)
    data: str = option("embedded", HELP)


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0", "seeds": 1, "rounds": 2, "first_images": 100, "more_images": 100},
        **{"copies": 1, "passes": 400, "steps": 20, "attacked": "2", "attack_passes": 400},
        **{"generators": "cppn,uniform_noise", "end_generators": "none", "rejects": "none"},
    },
    "published": {},
    "paper": {
        **{"seeds": 5, "first_images": 6000, "more_images": 1000, "copies": 1, "generator": "cppn_paper"},
        **{"passes": 40_200, "start": "random", "recipe": "paper-full", "steps": 10_000},
    },
}


def chain_settings(config: Config) -> Retraining:
    """The settings of the chains."""
    return Retraining(
        recipe=replace(RECIPES[config.recipe], steps=config.steps),
        from_scratch=config.start == "random",
        copies=config.copies,
        generator=config.generator,
        passes=config.passes,
        first_images=config.first_images,
        more_images=config.more_images,
    )


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The rounds of all chains, and the attacks on their networks."""
    met = attacks_of(
        numbers=config.attacked,
        # Of the usual numbers, those count that the chains have.
        most=None if config.attacked == Config.attacked else config.rounds,
        generators=config.generators,
        ends=config.end_generators,
        rejects=config.rejects,
        passes=config.attack_passes,
    )
    data = dataset_of(config.data)
    settings = {"how": chain_settings(config).facts, "data": data.name, "data_sha256": data.digest}
    return chain_tasks(_starts(config), config.seeds, config.rounds, met, settings, rows)


def _starts(config: Config) -> list[str]:
    return network_names(NetworkSettings(networks=config.networks))


@functools.lru_cache(maxsize=1)
def chains_of(config: Config) -> Chains:
    """The folder of the networks and images."""
    family = [Chain(start, seed) for seed in range(config.seeds) for start in _starts(config)]
    folder = Path(str(config.images)) / "retraining"
    return Chains(folder, dataset_of(config.data), chain_settings(config), family)


def network(config: Config, name: str, say: Say) -> Target:
    """A network of a chain; those that come before it are made first."""
    chains = chains_of(config)
    chains.say = say
    return chains.network(*network_of(name))


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """A round, or an attack."""
    config = workspace.config
    for task in tasks:
        settings, chains = task.settings, chains_of(config)
        asked = (chains, Chain(settings["network"], settings["seed"]), settings["number"])
        if settings["kind"] == "round":
            yield round_figures(*asked)
        else:
            names = (settings["generator"], settings["budget"], settings.get("rejects"))
            yield attack_figures(*asked, ImageSets(config.images), *names)


STUDY = study.Study(
    "retraining",
    "Shows a network its fooling images as a class of their own, round after round.",
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
