r"""Which search needs the fewest network passes? Strategies side by side on MNIST.

    python -m experiments.strategy_comparison --outdir runs/comparison

There are three stages. The *screen* meets every arm of `ARMS` with two seeds and one network. The *finals*
meet the best few with ten seeds for each of three independently trained networks. *Confirm* meets the winners
again with fresh seeds and networks, beside the paper's MAP-Elites, which has more passes, and random search.
Only the numbers of this last stage are reported, since choosing the best of many flatters the chosen.
"""

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from fooljax import data, encodings, strategies, study
from fooljax.cli.study import run_study
from fooljax.engine.types import Encoding, Target
from fooljax.report.budget import success_curves
from fooljax.settings import option
from fooljax.study import Row, Task, Workspace
from fooljax.targets import lenet

FAMILIES = ("cppn", "direct")
STAGES = ("screen", "finals", "confirm")
FIRST_TARGET = {"screen": 0, "finals": 0, "confirm": 100}
"""Seeds of the networks' training. Those of the last stage are met nowhere else."""
NUM_FINALISTS = {("cppn", False): 3, ("cppn", True): 2, ("direct", False): 2, ("direct", True): 1}
"""By family and use of gradients."""


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those of the published table."""

    data: str = option("embedded", "Digits that networks learn: auto, embedded, tfds, tfds:NAME or idx:DIR.")
    family: str = option("both", "Encodings that are compared: both, or one.", choices=("both", *FAMILIES))
    screen_passes: int = option(40_000, "Network passes of a run in the screen.", least=1)
    final_passes: int = option(100_000, "Network passes of a run after the screen.", least=1)
    baseline_passes: int = option(400_000, "Network passes of a run of the paper's MAP-Elites.", least=1)
    screen_runs: int = option(2, "Number of seeds in the screen.", least=1)
    final_runs: int = option(10, "Number of seeds for each network after the screen.", least=1)
    targets: int = option(3, "Number of independently trained networks after the screen.", least=1)


class Arm(NamedTuple):
    """A strategy, with its children in each generation and its settings, on one of `ENCODINGS`.

    The role is "" for a candidate, "baseline" for the paper's search and "control" for random search.
    """

    name: str
    family: str
    encoding: str
    strategy: str
    children: int
    settings: Mapping[str, str]
    role: str

    @property
    def gradient(self) -> bool:
        """Whether it asks the network for gradients."""
        return self.strategy == "refined"


ENCODINGS: dict[str, Callable[[tuple[int, int, int]], Encoding]] = {
    "raw": encodings.cppn,
    "scaled": lambda shape: encodings.cppn(shape, coordinates="scaled"),
    "scaled, wide": lambda shape: encodings.cppn(shape, coordinates="scaled", functions="wide"),
    "fixed": encodings.fixed_cppn,
    "direct": encodings.direct,
}
"""The paper's CPPN; with coordinates in [-1, 1]; with more functions as well; of fixed topology; pixels."""
MOST = ("scaled", "scaled, wide", "fixed", "direct")
EVOSAX = ("Sep_CMA_ES", "SNES", "CR_FM_NES", "LM_MA_ES", "Open_ES", "SimpleGA")
SEARCHES: list[tuple[str, int, dict[str, str], Sequence[str]]] = [
    ("map_elites", 200, {}, ("raw", "scaled", "direct")),
    ("random_search", 200, {}, ("raw", "scaled", "direct")),
    ("rank_ea", 40, {}, ("scaled", "direct")),
    ("map_elites", 40, {}, MOST),
    ("map_elites", 100, {}, MOST),
    ("focused", 40, {}, ("raw", *MOST)),
    ("focused", 100, {}, MOST),
    ("focused80", 60, {"focus": "0.8"}, MOST),
    ("refined3", 20, {"steps": "3", "share": "0.5", "learning_rate": "0.01"}, MOST),
    ("refined10", 20, {"steps": "10", "share": "0.2", "learning_rate": "0.01"}, MOST),
    ("refined20", 20, {"steps": "20", "share": "0.05", "learning_rate": "0.01"}, MOST),
    *((f"evosax.{name}", 40, {}, ("fixed", "direct")) for name in EVOSAX),
]
"""A strategy (a number after its name tells settings apart), its children, its settings, its encodings."""


def _arm(name: str, children: int, settings: Mapping[str, str], encoding: str) -> Arm:
    strategy, family = name.rstrip("0123456789"), "direct" if encoding == "direct" else "cppn"
    is_paper = strategy == "map_elites" and children == 200 and encoding != "scaled"
    role = "control" if strategy == "random_search" else "baseline" if is_paper else ""
    whole = f"{name}-{encoding.removeprefix('scaled, ')}-{children}"
    return Arm(whole, family, encoding, strategy, children, settings, role)


ARMS = {
    arm.name: arm
    for name, children, settings, met in SEARCHES
    for arm in (_arm(name, children, settings, encoding) for encoding in met)
}


def tasks(config: Config, rows: Sequence[Row]) -> Iterator[Task]:
    """The runs of each stage whose arms are known: of the finals when there are rows of the screen."""
    arms = [arm for arm in ARMS.values() if config.family in ("both", arm.family)]
    for arm in arms:
        yield from _runs("screen", arm, config.screen_passes, config.screen_runs, 1)
    for stage, before in (("finals", "screen"), ("confirm", "finals")):
        if not (found := [row for row in rows if row["stage"] == before]):
            return
        for kind, count in NUM_FINALISTS.items():
            for arm in best_of(found, *kind, count if stage == "finals" else 1):
                yield from _runs(stage, arm, config.final_passes, config.final_runs, config.targets)
    for arm in arms:
        if arm.role:
            passes = config.baseline_passes if arm.role == "baseline" else config.final_passes
            yield from _runs("confirm", arm, passes, config.final_runs, config.targets)


def _runs(stage: str, arm: Arm, budget: int, runs: int, networks: int) -> Iterator[Task]:
    """All runs of an arm. Those against one network are done together."""
    for target in range(FIRST_TARGET[stage], FIRST_TARGET[stage] + networks):
        together = f"{stage},{arm.name},target={target}"
        for seed in range(runs):
            settings = {"stage": stage, **arm._asdict(), "gradient": arm.gradient, "target_seed": target}
            settings |= {"seed": seed, "budget": budget}
            yield Task(f"{together},seed={seed}", settings, (str(target),), together)


def network(config: Config, name: str, say: Callable[[str], None]) -> Target:
    """The network of a training seed."""
    return lenet(data.load(config.data), "paper", seed=int(name), on_training=say)


def measure(workspace: Workspace, tasks: Sequence[Task]) -> Iterator[dict[str, Any]]:
    """Runs an arm against a network, all seeds side by side."""
    settings, target = tasks[0].settings, workspace.network(tasks[0].networks[0])
    assert target.image_shape is not None
    encoding = ENCODINGS[settings["encoding"]](target.image_shape)
    strategy = strategies.build(settings["strategy"], encoding, settings["children"], settings["settings"])
    searched = study.search_side_by_side(
        workspace,
        tasks,
        target,
        encoding,
        strategy,
        key=jax.random.fold_in(jax.random.key(STAGES.index(settings["stage"])), settings["target_seed"]),
        passes=settings["budget"],
        init_size=max(settings["children"], 40),
    )
    yield from (figures for _, figures in searched)


def cost(rows: Sequence[Row]) -> float:
    """The mean over runs of passes to all classes; a run that did not do it costs more the less it did."""
    undone = [row["budget"] * (2.0 - row["images_at_9999"] / row["images"]) for row in rows]
    return float(np.mean([row["passes_to_all"] or most for row, most in zip(rows, undone, strict=True)]))


def by_arm(rows: Sequence[Row]) -> list[tuple[Arm, list[Row]]]:
    """The rows of each arm; within each family those that cost least come first."""
    arms = [(ARMS[name], group) for (name,), group in study.group_by(rows, "name").items()]
    return sorted(arms, key=lambda one: (one[0].family, cost(one[1])))


def best_of(rows: Sequence[Row], family: str, gradient: bool, count: int) -> list[Arm]:
    """The cheapest candidates among the rows of a stage, best first."""
    arms = [arm for arm, _ in by_arm(rows) if not arm.role]
    return [arm for arm in arms if (arm.family, arm.gradient) == (family, gradient)][:count]


def cells(rows: Sequence[Row]) -> list[tuple[Arm, list[Row], dict[str, str]]]:
    """Each arm in the rows of a stage, its own rows, and what a table says of these."""
    arms = by_arm(rows)
    paper = {arm.family: group for arm, group in arms if arm.role == "baseline"}
    return [(arm, group, study.passes_cells(group, paper.get(arm.family, []))) for arm, group in arms]


def table(rows: Sequence[Row], stage: str) -> str:
    """The table of a stage, and the networks that it speaks of."""
    lines = [
        {
            "strategy": f"{arm.strategy}{' (the paper)' if arm.role == 'baseline' else ''}",
            "encoding": arm.encoding,
            "children": str(arm.children),
            "settings": ", ".join(f"{name} {value}" for name, value in arm.settings.items()) or "-",
            **written,
        }
        for arm, _, written in cells(rows)
    ]
    networks = sorted({(row["target_seed"], row["target_sha256"][:8]) for row in rows})
    named = ", ".join(f"{digest} (seed {seed})" for seed, digest in networks)
    return f"### {stage}\n\n{study.markdown(lines)}\n\nNetworks: {named}.\n"


def tables(rows: Sequence[Row]) -> str:
    """A table for each stage, the last first."""
    stages = {stage: [row for row in rows if row["stage"] == stage] for stage in reversed(STAGES)}
    return "\n".join(
        [study.PASSES_UNIT, "", *(table(group, stage) for stage, group in stages.items() if group)]
    )


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """The share of runs that had fooled all classes after so many passes, for all stages but the screen."""
    pictures: dict[str, dict[str, Any]] = {}
    for (stage, name), group in study.group_by(rows, "stage", "name").items():
        if stage != "screen":
            curve = (
                study.values_by_network(group, "passes_to_all", network="target_seed", missing=np.inf),
                group[0]["budget"],
            )
            picture = pictures.setdefault(f"curves-{stage}-{ARMS[name].family}.png", {})
            picture[f"{ARMS[name].strategy}, {ARMS[name].encoding}"] = curve
    return {name: success_curves(series) for name, series in pictures.items()}


STUDY = study.Study(
    "strategy_comparison",
    "Compares search strategies on MNIST.",
    Config,
    tasks,
    network,
    measure,
    tables,
    figures,
)
main = functools.partial(run_study, STUDY)

if __name__ == "__main__":
    sys.exit(main())
