r"""Which detectors of fooling images hold when evolution knows them?

    python -m experiments.detectors --size smoke --outdir runs/detectors
    python -m experiments.detectors --size paper --data idx:DIR --outdir runs/detectors-mnist

Detectors are fitted on clean images and give their thresholds on others. Images that know nothing of them
are shown to each: the static test. Then evolution and gradient ascent know the detector: they look for images
that fool the network and pass. Those that still hold are met again with a larger budget. Threat model:
searches see the network's logits and the detector's score, gradient ascent their gradients. There is no bound
on how far an image may be from clean ones, and all numbers are of saved 8-bit images. Literature: Carlini and
Wagner 2017 ("Adversarial examples are not easily detected: bypassing ten detection methods").
"""

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fooljax import study
from fooljax.cli.study import run_study
from fooljax.detectors import DETECTORS, find_detector
from fooljax.engine.types import Target
from fooljax.errors import InputError
from fooljax.report.detector_rows import detectors_not_overcome
from fooljax.report.detectors import figures, findings, tables
from fooljax.settings import option
from fooljax.study import Row, Task, attacks
from fooljax.study.adaptive_attacks import file_name_part
from fooljax.study.detectors_measured import check_others, measure, other_images
from fooljax.study.generators import GENERATORS
from fooljax.study.measured_sets import (
    ARCHIVE,
    SetSettings,
    archive_settings,
    clean_data_settings,
    network_names,
    parse_choices,
    parse_judges,
    parse_names,
)
from fooljax.study.network_detectors import judge_network

__all__ = ["STUDY", "findings", "main"]

RANDOM_SEARCHES = [name for name in GENERATORS if name.startswith("random_search")]
"""What may be a control that knows the detectors."""


@dataclass(frozen=True)
class Config(SetSettings):
    """Settings; the defaults are those of the published table of digits."""

    passes: int = option(
        10_000, "Network passes that a set of images with one gene a pixel may cost.", least=400
    )
    cppn_passes: int = option(4000, "Network passes that a set of CPPN images may cost.", least=400)
    gradient_passes: int = option(1000, "Network passes that a set by gradient ascent may cost.", least=40)
    detectors: str = option(
        "all", f"Detectors, out of {', '.join(DETECTORS)}, or your own as MODULE:NAME; all: all of these."
    )
    generators: str = option("cppn,gradient,direct", "What knows the detectors, out of these three, or none.")
    known: str = option("all", "Those of --detectors that --generators know, or none; all: all of these.")
    controls: str = option("random_search_cppn", "Random search that knows the detectors, or none.")
    judges: str = option("knn,mlp-0", "Classifiers that say whether images that pass look like a class.")
    others: str = option("none", "Other data whose test images are shown, as idx:DIR, with commas; or none.")
    archive: str | None = option(
        None, "Folder of a finished run against one of --networks, whose images are shown, too.", kind=str
    )
    more: int = option(4, "Times the budget with which detectors that hold are met again; 1: never.", least=1)


SIZES: dict[str, dict[str, Any]] = {
    "smoke": {
        **{"networks": "lenet-0", "runs": 1, "detectors": "energy,knn", "judges": "lenet-4"},
        **{"passes": 400, "generators": "direct", "controls": "none", "more": 1},
    },
    "paper": {},
    "cifar10": {
        **{"networks": "resnet20", "judges": "knn,resnet32", "runs": 3, "cppn_passes": 4000},
        **{"detectors": "msp,energy,entropy,max_logit,mahalanobis,relative_mahalanobis,knn,vim,openmax,odin"},
        **{"generators": "cppn,gradient", "controls": "none", "more": 1},
    },
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """Each network's detectors; the static test; attacks that know; then larger ones on what holds."""
    data = clean_data_settings(config)
    all_or_some = ",".join(DETECTORS) if config.detectors == "all" else config.detectors
    names = parse_names(all_or_some, "--detectors")
    for name in names:
        find_detector(name)  # one that cannot be imported is told before a folder is made
    of_clean = {"detectors": names, **data}
    if config.classes != "all":  # the classes that images are made for; thresholds are always those of all
        data = {**data, "classes": config.classes}
    common: dict[str, Any] = {"detectors": names, **data}
    made = parse_choices(config.generators, attacks.FRESH) if config.generators != "none" else []
    controls = (
        parse_choices(config.controls, RANDOM_SEARCHES, "--controls") if config.controls != "none" else []
    )
    known = _known(config, names)
    others = _others(config)
    for other in others:
        other_images(other)  # those that cannot be read are told before any work
    for name in network_names(config):
        yield Task(f"clean,{name}", {"kind": "clean", "network": name, **of_clean}, (name,))
    unaware = [*made, *(one for one in attacks.CONTROLS if _possible(one, made))]
    for generator in [*unaware, *others]:
        for name in network_names(config):
            for run in range(config.runs if generator in unaware else 1):
                settings: dict[str, Any] = {
                    "kind": "static",
                    "network": name,
                    "generator": generator,
                    **common,
                }
                settings |= {"run": run, "budget": _budget(config, generator)}
                together = f"static,{name},{file_name_part(generator)}"
                yield Task(f"{together},run={run}", settings, (name,), together)
    if config.archive is not None:
        settings = {"kind": "static", "generator": ARCHIVE, **common, "run": 0, **archive_settings(config)}
        if settings["network"] not in network_names(config):
            wanted = f"a run against one of {config.networks}, got one against {settings['network']}"
            raise InputError(f"--archive: expected {wanted}")
        yield Task(f"static,{settings['network']},{ARCHIVE},run=0", settings, (settings["network"],))
    judges = _judges(config)
    for generator in made:
        for name in network_names(config):
            settings = {"kind": "judged", "network": name, "generator": generator, "judges": judges, **data}
            settings |= {"runs": config.runs, "budget": _budget(config, generator)}
            yield Task(f"judged,{name},{generator}", settings, (name, *judges))
    for detector in known:
        for generator in (*made, *controls):
            yield from _knowing(config, detector, generator, 1, common)
    every = len(made) * len(network_names(config)) * config.runs
    for detector in detectors_not_overcome(rows, every) if config.more > 1 else ():
        for generator in made:
            yield from _knowing(config, detector, generator, config.more, common)


def _knowing(
    config: Config, detector: str, generator: str, times: int, common: dict[str, Any]
) -> Iterator[Task]:
    """Attacks that know a detector, with so many times the budget."""
    judges = _judges(config)
    for name in network_names(config):
        together = f"knowing{'' if times == 1 else times},{generator},{file_name_part(detector)},{name}"
        for run in range(config.runs):
            settings: dict[str, Any] = {"kind": "knowing", "network": name, "generator": generator, **common}
            settings |= {"detectors": [detector], "detector": detector, "run": run, "judges": judges}
            settings["budget"] = times * _budget(config, generator)
            yield Task(f"{together},run={run}", settings, (name, *judges), together)


def _judges(config: Config) -> list[str]:
    return [] if config.judges == "none" else parse_judges(config.judges, network_names(config))


def _known(config: Config, names: list[str]) -> list[str]:
    """The detectors that attacks know."""
    if config.known in ("all", "none"):
        return names if config.known == "all" else []
    return parse_choices(config.known, names, "--known")


def _others(config: Config) -> list[str]:
    return [] if config.others == "none" else parse_names(config.others, "--others")


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """A network by its name. Other data whose images it cannot take are told at once."""
    target = judge_network(config, name, say)
    for other in _others(config):
        check_others(other, target)
    return target


def _possible(control: str, made: Sequence[str]) -> bool:
    """Whether a control belongs beside what is made: noise always, others beside their own encoding."""
    return "noise" in control or control.rpartition("_")[2] in made


def _budget(config: Config, generator: str) -> int:
    if generator == "gradient":
        return config.gradient_passes
    return config.cppn_passes if generator.endswith("cppn") else config.passes


STUDY = study.Study(
    "detectors",
    "Meets detectors of fooling images with evolution that knows them.",
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
