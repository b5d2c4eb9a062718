r"""Which search needs the fewest network passes? Strategies side by side on MNIST; resumable.

    python -m experiments.strategy_comparison --outdir runs/comparison

Three stages. *Screen*: every arm of `ARMS`, two seeds, one target. *Finals*: the best few, ten seeds against
each of three independently trained targets. *Confirm*: the winners, with fresh seeds against fresh targets,
beside the paper's MAP-Elites, which has more passes, and random search; only these figures are reported.
Every run is a JSON row in `rows/`, its elites an image in `images/`, saved and read back before it is scored;
the same command goes on where it was broken off. Only rows of the same comparison are taken: each carries a
digest of all that decides it, and the settings stand in `config.json`. `table.md`, `curves-*.png` and
`rows.jsonl` (all rows in one file) are made of the rows.
"""

import dataclasses
import functools
import hashlib
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import jax
import numpy as np
import numpy.typing as npt
from PIL import Image

import fooljax
from fooljax import data as datasets
from fooljax import encodings, strategies
from fooljax.analysis.statistics import median_interval, ratio_interval
from fooljax.cli.command_line import parse, run_command
from fooljax.data.dataset import Dataset
from fooljax.encodings.cppn.encoding import cppn
from fooljax.engine.log_odds import FOOLED
from fooljax.engine.types import Encoding, Target
from fooljax.errors import FaultError, InputError, shown
from fooljax.evolution import Evolution, Progress, search
from fooljax.study import numbers
from fooljax.report.budget import success_curves
from fooljax.runs.evolution_run import keep_compiled_programs
from fooljax.scoring import score
from fooljax.settings import option
from fooljax.storage.locks import LOCK
from fooljax.storage.trees import read_json, write_bytes, write_json
from fooljax.targets._trained import lenet

FAMILIES = ("cppn", "direct")
STAGES = ("screen", "finals", "confirm")
FIRST_TARGET = {"screen": 0, "finals": 0, "confirm": 100}
"""Seeds of the targets' training: those of the last stage are met nowhere else."""
NUM_FINALISTS = {("cppn", False): 3, ("cppn", True): 2, ("direct", False): 2, ("direct", True): 1}
"""By family and use of gradients."""


@dataclass(frozen=True)
class Config:
    """Settings; the defaults are those of the published table."""

    data: str = option("embedded", "auto, embedded, tfds, tfds:NAME or idx:DIR")
    family: str = option("both", "which encodings", choices=("both", *FAMILIES))
    screen_passes: int = option(40_000, "network passes of a run in the screen", least=1)
    final_passes: int = option(100_000, "of a run in the finals, and to confirm", least=1)
    baseline_passes: int = option(400_000, "of a run of the paper's MAP-Elites", least=1)
    screen_runs: int = option(2, "seeds in the screen", least=1)
    final_runs: int = option(10, "seeds for each target thereafter", least=1)
    targets: int = option(3, "independently trained targets thereafter", least=1)


class Arm(NamedTuple):
    """A strategy on an encoding.

    Attributes:
      name: for files and tables.
      family: out of `FAMILIES`.
      encoding: a name in `ENCODINGS`.
      strategy: a name in `STRATEGIES`.
      children: per generation.
      settings: of the strategy, as text.
      role: "" for a candidate, "baseline" for the paper's, "control" for random search.
    """

    name: str
    family: str
    encoding: str
    strategy: str
    children: int
    settings: Mapping[str, str] = {}
    role: str = ""

    @property
    def gradient(self) -> bool:
        """Whether it asks the target for gradients."""
        return self.strategy == "refined"


def _scaled(shape: tuple[int, int, int]) -> Encoding:
    return cppn(shape, coordinates="scaled")


def _wide(shape: tuple[int, int, int]) -> Encoding:
    return cppn(shape, coordinates="scaled", functions="wide")


ENCODINGS: dict[str, Callable[[tuple[int, int, int]], Encoding]] = {
    "raw": cppn,
    "scaled": _scaled,
    "scaled, wide": _wide,
    "fixed": encodings.fixed_cppn,
    "direct": encodings.direct,
}
"""Name to `image_shape -> Encoding`: the paper's CPPN; coordinates in [-1, 1]; more functions as well;
weights alone; pixels."""

_EVOSAX = ("Sep_CMA_ES", "SNES", "CR_FM_NES", "LM_MA_ES", "Open_ES", "SimpleGA")


def _candidates() -> list[Arm]:
    arms = [
        Arm("map_elites-raw-200", "cppn", "raw", "map_elites", 200, role="baseline"),
        Arm("random_search-raw-200", "cppn", "raw", "random_search", 200, role="control"),
        Arm("random_search-scaled-200", "cppn", "scaled", "random_search", 200, role="control"),
        Arm("focused-raw-40", "cppn", "raw", "focused", 40),
        Arm("map_elites-scaled-200", "cppn", "scaled", "map_elites", 200),
        Arm("rank_ea-scaled-40", "cppn", "scaled", "rank_ea", 40),
        Arm("map_elites-direct-200", "direct", "direct", "map_elites", 200, role="baseline"),
        Arm("random_search-direct-200", "direct", "direct", "random_search", 200, role="control"),
        Arm("rank_ea-direct-40", "direct", "direct", "rank_ea", 40),
    ]
    for short, encoding in (
        ("scaled", "scaled"),
        ("wide", "scaled, wide"),
        ("fixed", "fixed"),
        ("direct", "direct"),
    ):
        family = "direct" if encoding == "direct" else "cppn"
        for children in (40, 100):
            arms.append(Arm(f"map_elites-{short}-{children}", family, encoding, "map_elites", children))
            arms.append(Arm(f"focused-{short}-{children}", family, encoding, "focused", children))
        arms.append(Arm(f"focused80-{short}-60", family, encoding, "focused", 60, {"focus": "0.8"}))
        for steps, share, rate in (("3", "0.5", "0.01"), ("10", "0.2", "0.01"), ("20", "0.05", "0.01")):
            settings = {"steps": steps, "share": share, "learning_rate": rate}
            arms.append(Arm(f"refined{steps}-{short}-20", family, encoding, "refined", 20, settings))
        if short in ("fixed", "direct"):
            for name in _EVOSAX:
                arms.append(Arm(f"evosax.{name}-{short}-40", family, encoding, f"evosax.{name}", 40))
    return arms


ARMS: dict[str, Arm] = {arm.name: arm for arm in _candidates()}


@dataclass
class Comparison:
    """What the stages share; targets are trained or read once."""

    config: Config
    outdir: Path
    dataset: Dataset
    targets: dict[int, Target] = field(default_factory=dict)

    def target(self, seed: int) -> Target:
        """The target of a training seed."""
        if seed not in self.targets:
            self.targets[seed] = lenet(self.dataset, "paper", seed=seed, on_training=print)
        return self.targets[seed]

    def row_path(self, stage: str, arm: Arm, target: int, seed: int) -> Path:
        """The file of one run."""
        return self.outdir / "rows" / f"{stage},{arm.name},target={target},seed={seed}.json"

    def digest(self, stage: str, arm: Arm, target_sha256: str, seed: int, budget: int) -> str:
        """Of all that decides the figures of one run."""
        recipe = {
            "config": {**dataclasses.asdict(self.config), "family": None},  # says which arms run, not how
            "versions": decides_random_bits(),
            "stage": stage,
            "arm": arm._asdict(),
            "target_sha256": target_sha256,
            "seed": seed,
            "budget": budget,
        }
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    def row(self, path: Path) -> dict[str, Any]:
        """Reads a row.

        Raises:
          InputError: it is no row, or not one of this comparison.
        """
        row = read_json(path)
        try:
            arm = ARMS[row["name"]]
            made_so = self.digest(row["stage"], arm, row["target_sha256"], row["seed"], row["budget"])
            named = self.row_path(row["stage"], arm, row["target_seed"], row["seed"])
            belongs = row["digest"] == made_so and named.name == path.name
            _check_result(row)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: expected a row of this comparison, found none ({shown(error)})"
            ) from error
        if not belongs:
            raise InputError(
                f"{path}: expected a row of this comparison, found one of other settings or versions; "
                "take another --outdir"
            )
        return row

    def rows(self, stage: str) -> list[dict[str, Any]]:
        """The rows of a stage that are there.

        Raises:
          InputError: one of them is of another comparison.
        """
        return [self.row(path) for path in sorted((self.outdir / "rows").glob(f"{stage},*.json"))]


def _check_result(row: Mapping[str, Any]) -> None:
    """Raises ValueError or another error where the figures of a row are impossible."""
    bounds = [
        (name, 1, row["budget"]) for name in ("passes_to_median", "passes_to_all") if row[name] is not None
    ]
    bounds += [("target_seed", 0, 2**63), ("images", 1, 2**63), ("images_at_9999", 0, row["images"])]
    for name, least, most in bounds:
        if type(row[name]) is not int or not least <= row[name] <= most:
            raise ValueError(f"{name} {row[name]}")


def decides_random_bits() -> dict[str, Any]:
    """What two machines must share for one seed to mean one run."""
    partitionable = bool(jax.config.values["jax_threefry_partitionable"])
    found = {"fooljax": fooljax.__version__, **{name: version(name) for name in ("jax", "evosax")}}
    return {**found, "jax_threefry_partitionable": partitionable}


class Asked:
    """How often the network was asked; ends a search whose budget is spent."""

    def __init__(self) -> None:
        self.queries = 0

    def note(self, progress: Progress) -> None:
        """Is told the progress."""
        self.queries = progress.queries

    def enough(self, budget: int) -> bool:
        """Whether the budget is spent."""
        return self.queries >= budget


def run_arm(comparison: Comparison, stage: str, arm: Arm, passes: int, runs: int, targets: int) -> None:
    """Runs an arm against each target of a stage, all seeds side by side; what is there is left alone.

    Raises:
      InputError: a row that is there is of another comparison, or of another network of the same seed.
    """
    encoding = ENCODINGS[arm.encoding](comparison.dataset.image_shape)
    for target_seed in range(FIRST_TARGET[stage], FIRST_TARGET[stage] + targets):
        paths = [comparison.row_path(stage, arm, target_seed, seed) for seed in range(runs)]
        target = comparison.target(target_seed)
        digest = str(target.provenance["params_sha256"])
        there = [path for path in paths if path.exists()]
        for path in there:
            if (found := comparison.row(path)["target_sha256"]) != digest:
                raise InputError(
                    f"{path}: expected a row against the network {digest[:8]}, "
                    f"found one against {shown(found, 8)}"
                )
        if len(there) == runs:
            continue
        strategy = strategies.build(arm.strategy, encoding, arm.children, arm.settings)
        asked = Asked()
        evolution = search(
            target,
            encoding,
            strategy,
            key=jax.random.fold_in(jax.random.key(STAGES.index(stage)), target_seed),
            generations=passes // arm.children,
            runs=runs,
            init_size=max(arm.children, 40),
            until=0.9999,
            on_chunk=asked.note,
            stop=functools.partial(asked.enough, passes * runs),
        )
        images = evolution.images()
        for seed, path in enumerate(paths):
            image_path = comparison.outdir / "images" / f"{path.stem}.png"
            rescored = _save_and_rescore(image_path, images[seed], target)
            facts = {
                "stage": stage,
                **arm._asdict(),
                "gradient": arm.gradient,
                "target_seed": target_seed,
                "target_sha256": digest,
                "digest": comparison.digest(stage, arm, digest, seed, passes),
                "seed": seed,
                "budget": passes,
                **passes_to(evolution, seed, passes),
                "rescored_log_odds": rescored.tolist(),
                "images_at_9999": int(np.sum(rescored >= FOOLED)),
                "images": int(rescored.size),
                "seconds_search_all_seeds": round(evolution.seconds_search, 2),
                "seconds_compile": round(evolution.seconds_compile, 2),
                "device": f"{jax.devices()[0].platform}: {jax.devices()[0].device_kind}",
                "jax": jax.__version__,
            }
            write_json(path, facts)
        done = [read_json(path)["passes_to_all"] for path in paths]
        print(
            f"{stage} {arm.name} target {target_seed}: {done} ({evolution.seconds_search:.0f} s)", flush=True
        )


def passes_to(evolution: Evolution, run: int, budget: int) -> dict[str, int | None]:
    """Passes until the median and until all classes were fooled; None where the budget did not do."""
    queries = evolution.metrics["queries"][run]
    found: dict[str, int | None] = {}
    for name, metric in (("passes_to_median", "median_log_odds"), ("passes_to_all", "min_log_odds")):
        reached = (evolution.metrics[metric][run] >= FOOLED) & (queries <= budget)
        found[name] = int(queries[np.argmax(reached)]) if reached.any() else None
    return {**found, "passes": int(min(queries[-1], budget))}


def _save_and_rescore(path: Path, images: npt.NDArray[np.uint8], target: Target) -> npt.NDArray[np.float32]:
    """Saves elites `[C, H, W, K]` side by side, reads them back and scores each for its class."""
    count, height, width, channels = images.shape
    row = np.moveaxis(images, 0, 1).reshape(height, count * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(row[..., 0] if channels == 1 else row).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())
    with Image.open(path) as image:
        again = np.asarray(image).reshape(height, count, width, channels)
    return np.diagonal(score(target, np.moveaxis(again, 1, 0)))


def _or_inf(value: int | None) -> float:
    return np.inf if value is None else float(value)


def cost(rows: Sequence[Mapping[str, Any]]) -> float:
    """The mean over runs of passes to all classes; a run that did not do it costs more the less it did."""
    return float(
        np.mean(
            [
                row["passes_to_all"] or row["budget"] * (2.0 - row["images_at_9999"] / row["images"])
                for row in rows
            ]
        )
    )


def _by_arm(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        arms.setdefault(row["name"], []).append(row)
    return arms


def best_of(rows: Sequence[Mapping[str, Any]], family: str, gradient: bool, count: int) -> list[Arm]:
    """The cheapest candidates of a stage's rows, best first."""
    costs = {
        name: cost(of)
        for name, of in _by_arm(rows).items()
        if ARMS[name].family == family and ARMS[name].gradient == gradient and not ARMS[name].role
    }
    return [ARMS[name] for name in sorted(costs, key=costs.__getitem__)[:count]]


def compare(comparison: Comparison) -> None:
    """All stages."""
    config = comparison.config
    families = FAMILIES if config.family == "both" else (config.family,)
    for arm in ARMS.values():
        if arm.family in families:
            run_arm(comparison, "screen", arm, config.screen_passes, config.screen_runs, 1)
    report(comparison)
    for (family, gradient), count in NUM_FINALISTS.items():
        if family in families:
            for arm in best_of(comparison.rows("screen"), family, gradient, count):
                run_arm(comparison, "finals", arm, config.final_passes, config.final_runs, config.targets)
    report(comparison)
    for family, gradient in NUM_FINALISTS:
        if family in families:
            for arm in best_of(comparison.rows("finals"), family, gradient, 1):
                run_arm(comparison, "confirm", arm, config.final_passes, config.final_runs, config.targets)
    for role, passes in (("baseline", config.baseline_passes), ("control", config.final_passes)):
        for arm in ARMS.values():
            if arm.role == role and arm.family in families:
                run_arm(comparison, "confirm", arm, passes, config.final_runs, config.targets)
    report(comparison)


def by_target(rows: Sequence[Mapping[str, Any]], name: str, ceiling: bool = False) -> list[list[float]]:
    """A value of every run, by target; runs that never did it are infinite, or at the budget."""
    targets: dict[int, list[float]] = {}
    for row in rows:
        value = row["budget"] if ceiling and row[name] is None else _or_inf(row[name])
        targets.setdefault(row["target_seed"], []).append(value)
    return [targets[seed] for seed in sorted(targets)]


UNIT = """\
Passes are all that the network was asked, forward and backward counted each, first images included. Medians
over runs; a unit is a run on an independently trained network. Brackets: 95 %, for further networks trained
alike, by a t-interval over the networks' own medians; where there is one network, for further runs against
it. Ratios: of the medians over all runs; their brackets by a t-interval over the networks' own ratios. "At
most": some runs of the paper's search had not done it when their budget ended; the end of the budget stands
for what they would have needed."""


def table(rows: Sequence[Mapping[str, Any]], stage: str) -> str:
    """The table of a stage in Markdown, cheapest first within each family, and the networks it speaks of."""
    arms = _by_arm(rows)
    baselines = {ARMS[name].family: of for name, of in arms.items() if ARMS[name].role == "baseline"}
    head = [
        "strategy",
        "encoding",
        "children",
        "settings",
        "networks x runs",
        "passes until the median class",
    ]
    head += ["passes until all classes", "runs with all", "images >= 99.99 %", "ratio to the paper's"]
    lines = []
    for name in sorted(arms, key=lambda name: (ARMS[name].family, cost(arms[name]))):
        of, arm = arms[name], ARMS[name]
        targets, budget = by_target(of, "passes_to_all"), of[0]["budget"]
        lines.append(
            [
                f"{arm.strategy}{' (the paper)' if arm.role == 'baseline' else ''}",
                arm.encoding,
                str(arm.children),
                ", ".join(f"{key} {value}" for key, value in arm.settings.items()) or "-",
                f"{len(targets)} x {len(of) / len(targets):g}",
                numbers.needed(median_interval(by_target(of, "passes_to_median")), budget),
                numbers.needed(median_interval(targets), budget),
                f"{sum(row['passes_to_all'] is not None for row in of)} of {len(of)}",
                numbers.percent(sum(row["images_at_9999"] for row in of) / sum(row["images"] for row in of)),
                "1" if arm.role == "baseline" else ratio_to(targets, baselines.get(arm.family, ())),
            ]
        )
    networks = {row["target_seed"]: str(row.get("target_sha256", ""))[:8] for row in rows}
    named = ", ".join(f"{networks[seed]} (seed {seed})" for seed in sorted(networks))
    body = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)]
    return f"### {stage}\n\n" + "\n".join(body) + f"\n\nNetworks: {named}.\n"


def ratio_to(targets: Sequence[Sequence[float]], base: Sequence[Mapping[str, Any]]) -> str:
    """Passes to all classes as a share of those of the paper's search, in words."""
    if not base:
        return numbers.NONE
    # Runs of the paper's that did not do it count as if they had at the end of their budget: then a bound.
    others = by_target(base, "passes_to_all", ceiling=True)
    if len(others) != len(targets):
        return numbers.NONE
    bound = "at most " if any(row["passes_to_all"] is None for row in base) else ""
    written = numbers.ratio(ratio_interval(targets, others))
    return written if written == numbers.NONE else f"{bound}{written}"


def tables(rows: Sequence[Mapping[str, Any]]) -> str:
    """`table.md`: a table for each stage, the last first."""
    by_stage = {stage: [row for row in rows if row["stage"] == stage] for stage in reversed(STAGES)}
    return "\n".join([UNIT, "", *(table(of, stage) for stage, of in by_stage.items() if of)])


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The pictures by file name: for stages with several targets, `curves-STAGE-FAMILY.png`."""
    pictures = {}
    for stage in STAGES[1:]:
        for family in FAMILIES:
            series = {
                f"{ARMS[name].strategy}, {ARMS[name].encoding}": (
                    by_target(of, "passes_to_all"),
                    of[0]["budget"],
                )
                for name, of in _by_arm([row for row in rows if row["stage"] == stage]).items()
                if ARMS[name].family == family
            }
            if series:
                pictures[f"curves-{stage}-{family}.png"] = success_curves(series)
    return pictures


def report(comparison: Comparison) -> None:
    """Writes `table.md`, `rows.jsonl` and `curves-*.png`."""
    rows = [row for stage in STAGES for row in comparison.rows(stage)]
    write_bytes(comparison.outdir / "table.md", tables(rows).encode())
    write_bytes(comparison.outdir / "rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    for name, picture in curves(rows).items():
        write_bytes(comparison.outdir / name, picture)


def start(argv: Sequence[str] | None) -> None:
    """The command."""
    given, flags = parse(Config, "Compares search strategies on MNIST. Resumable.", argv)
    config = Config(**given)
    folder = flags.outdir or flags.resume
    if folder is None:
        raise InputError("--outdir: expected a folder, new or of a comparison to go on with, got none")
    comparison = Comparison(config, Path(folder), datasets.load(config.data))
    try:
        for name in ("rows", "images"):
            (comparison.outdir / name).mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(comparison.outdir / LOCK, timeout=0):
            claim(comparison)
            keep_compiled_programs()
            compare(comparison)
    except filelock.Timeout:
        raise InputError(f"{folder}: another process is at work in this comparison") from None
    except OSError as error:
        raise FaultError(f"--outdir {folder}: cannot be made: {error.strerror}") from error
    print(f"table: {comparison.outdir / 'table.md'}")


def claim(comparison: Comparison) -> None:
    """Writes `config.json`, or sees that the one that is there says the same.

    Raises:
      InputError: it is of another comparison, or the folder has rows and no settings.
    """
    path = comparison.outdir / "config.json"
    ours = {
        **dataclasses.asdict(comparison.config),
        **decides_random_bits(),
        "dataset": comparison.dataset.digest,
    }
    if path.exists():
        theirs = read_json(path)
        for name in ours.keys() - {"family"}:
            if theirs.get(name) != ours[name]:
                raise InputError(
                    f"{path}: expected {name} {shown(ours[name])}, that of this comparison, "
                    f"found {shown(theirs.get(name))}; take another --outdir"
                )
    elif any((comparison.outdir / "rows").iterdir()):
        raise InputError(f"{path}: expected the settings of the rows that are there, found no such file")
    write_json(path, ours)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return run_command(lambda: start(argv), Config)


if __name__ == "__main__":
    sys.exit(main())
