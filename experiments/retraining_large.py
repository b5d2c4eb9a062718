r"""Does a class more for fooling images protect networks for CIFAR-10 and ImageNet?

    python -m experiments.retraining_large --size smoke --outdir runs/retraining_large
    python -m experiments.retraining_large --size cifar10 --data npz:PATH --weights DIR --outdir DIR
    python -m experiments.retraining_large --size imagenet --imagefolder DIR --weights DIR --outdir DIR

Networks that others trained are fine-tuned with a class more, in rounds, and met by fresh evolution after
each. They are retrained networks, or retrained heads or last blocks on the old features, and not trained
from scratch as the paper's. Whoever has all photographs of ImageNet gives their folder, or that of a copy
which TensorFlow Datasets prepared, with --part all, --photographs and --learnt; the loop is the same.
Threat model: searches see the logits of the defended network, the class more included, and gradient ascent
its gradients. All images are 8-bit images in the box. Source: Nguyen et al. 2015, sections 3.6 to 3.8.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fooljax import study
from fooljax.cli.study import run_study
from fooljax.report.retraining_large import figures, findings, tables
from fooljax.settings import option
from fooljax.study import Row, Task
from fooljax.study.generators import GENERATORS
from fooljax.study.measured_sets import clean_data_settings, parse_choices
from fooljax.study.retrained import (
    LEARNT_FROM,
    State,
    network,
    rates_of,
    retrainable_names,
    retrained_states,
)
from fooljax.study.retraining_lessons import BLOCK, RetrainingSettings
from fooljax.study.retraining_measured import ARCHIVE, FIRST, GOES_ON, OLD, measure

__all__ = ["STUDY", "findings", "main"]


@dataclass(frozen=True)
class Config(RetrainingSettings):
    """Settings; the defaults are those of the published table of CIFAR-10."""

    generators: str = option(
        "cppn,direct,gradient",
        f"What meets each network anew, with commas between. {GOES_ON} is evolution that goes on from images "
        "of --archive.",
    )
    others: int = option(3, "Number of chains, at most, that meet the generators other than cppn.", least=1)
    gradient_passes: int = option(400, "Network passes of a set by gradient ascent.", least=20)
    rates: str = option("1,5", "Percent of clean images that the defended networks reject, with commas.")
    shown: str = option("direct,gradient,uniform_noise", "Sets made for the network itself, shown to all.")


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0", "runs": 2, "chains": 2, "passes": 2000, "steps": 40, "rates": "5"},
        **{"generators": "gradient", "gradient_passes": 200, "shown": "gradient,uniform_noise", "others": 2},
    },
    "cifar10": {
        **{"networks": "resnet20", "passes": 1000, "rounds": 2, "part": "all", "steps": 20},
    },
    "imagenet": {
        **{"networks": "efficientnet-lite0,tiny-darknet", "passes": 2500, "gradient_passes": 800},
        **{"classes": "40,42,46,153,207,236,281,283,761,779", "generators": f"cppn,gradient,{GOES_ON}"},
        **{"archive": "docs/results/imagenet_cppn_fine", "shown": "gradient,uniform_noise", "others": 1},
    },
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The network itself; then after each round the states of all chains, one after the other."""
    del rows
    rates = rates_of(config, config.rates)
    parse_choices(config.generators, (*GENERATORS, GOES_ON))
    parse_choices(config.shown, GENERATORS, "--shown")
    for name in retrainable_names(config):
        itself = [State(name, chain=chain) for chain in range(config.runs)]
        for state in (*itself, *retrained_states(config, name, rates)):
            yield from _of(config, state, first_rate=state.rate in (None, rates[0]))


def _of(config: Config, state: State, *, first_rate: bool) -> Iterator[Task]:
    """What is done with a state: clean images, images of others, and images that are made against it."""
    settings: dict[str, Any] = {**state._asdict(), "classes": config.classes, **clean_data_settings(config)}
    if config.part == BLOCK and state.round:  # rows of other parts are older than this setting
        settings["part"] = config.part
    name = state.name(config)
    if state.round or not state.chain:  # the network itself is one, however many runs meet it
        yield Task(f"{state.label},clean", {"kind": "clean", **settings}, (name, state.network))
        for generator in _shown(config, state.chain):
            facts = {"kind": "shown", "generator": generator, **settings}
            yield Task(f"{state.label},shown={generator}", facts, (name, state.network))
    for generator in config.generators.split(","):
        if generator != LEARNT_FROM and (state.chain >= config.others or not first_rate):
            continue
        budget = config.gradient_passes if generator == "gradient" else config.passes
        facts = {"kind": "attack", "generator": generator, "budget": budget, **settings}
        yield Task(f"{state.label},against={generator}", facts, (name,))


def _shown(config: Config, chain: int) -> list[str]:
    """Images that were not made against a state; those made for the network itself, where there are any."""
    archive = [] if config.archive is None else [ARCHIVE]
    return [OLD, FIRST, *archive, *(config.shown.split(",") if chain < config.others else ())]


STUDY = study.Study(
    "retraining_large",
    "Retrains networks with a class more for fooling images, and fools them anew.",
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
