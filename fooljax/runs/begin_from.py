"""What a search begins with instead of random genomes: the elites of a finished run.

So a search goes on with other settings, or against another network. It is a run of its own: its generations,
and what goes by them, count from 0. The passes that its first genomes had cost are told beside its own.
Both are kept in the new run's own folder, so that it can be resumed when the earlier one is gone.
"""

import dataclasses
from pathlib import Path
from typing import TypeGuard

import jax
import numpy as np

from fooljax.settings import in_words
from fooljax.runs.opened import FinishedRun, open_run
from fooljax.runs.recipe import FoolingConfig, Initial, Job
from fooljax.engine.types import Genome
from fooljax.errors import InputError
from fooljax.rendering import draw
from fooljax.storage.trees import load_arrays, load_tree, read_json, save_tree

FILE = "initial.npz"
"""Of the new run's folder."""


def with_initial(job: Job, kept_in: Path | None = None) -> Job:
    """The job together with what its config says that it begins with.

    Args:
      job: the job.
      kept_in: the folder of the run, where it was begun before.
    Raises:
      InputError: that is not the folder of a finished run, or its genomes are not of the job's encoding.
    """
    if job.config.init_from is None:
        return job
    if kept_in is not None and (kept_in / FILE).exists():
        return job._replace(initial=_kept(job, kept_in / FILE))
    path = Path(job.config.init_from)
    try:
        earlier, summary = open_run(path), read_json(path / "summary.json")
    except InputError as error:
        raise InputError(f"init_from: {error}") from error
    evaluations = [summary.get("evaluations"), summary.get("evaluations_before", 0)]
    if not all(map(_is_count, evaluations)):
        raise InputError(f"init_from: {path / 'summary.json'}: expected numbers of evaluations, found none")
    genomes = elites(earlier)
    _check(job, earlier, genomes)
    return job._replace(initial=Initial(genomes, sum(evaluations)))


def keep(job: Job, folder: Path) -> None:
    """Writes what a job begins with, if anything, into the folder of its run.

    Raises:
      FaultError: the disk is full or read-only.
    """
    if job.initial:
        count = len(jax.tree.leaves(job.initial.genomes)[0])
        facts = {"evaluations": job.initial.evaluations, "genomes": count}
        save_tree(folder / FILE, job.initial.genomes, facts)


def _kept(job: Job, path: Path) -> Initial:
    facts = load_arrays(path)[2]
    evaluations, count = facts.get("evaluations"), facts.get("genomes")
    if not _is_count(evaluations) or not _is_count(count):
        raise InputError(f"{path}: expected numbers of evaluations and genomes, found none")
    genome = jax.eval_shape(job.encoding.init, jax.random.key(0))
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), genome)
    return Initial(load_tree(path, template)[0], evaluations)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**53


def elites(run: FinishedRun) -> Genome:
    """The elites of all its runs and cells, leaves `[N, ...]`, each once however many cells it holds."""
    archive = run.archive
    runs, cells = np.nonzero(np.asarray(archive.occupied))
    ids = np.asarray(archive.ids)[runs, cells]
    _, first = np.unique(np.stack([runs, ids]), axis=1, return_index=True)
    runs, cells = runs[first], cells[first]
    return jax.tree.map(lambda leaf: np.asarray(leaf)[runs, cells], archive.genomes)


def _check(job: Job, earlier: FinishedRun, genomes: Genome) -> None:
    """Makes sure that the genomes mean in this job what they meant there."""
    here, there = job.encoding, earlier.encoding
    if here.image_shape != there.image_shape:
        raise InputError(
            f"init_from: expected images {list(here.image_shape)}, those of {earlier.path} are "
            f"{list(there.image_shape)}"
        )
    kinds = [jax.eval_shape(one.init, jax.random.key(0)) for one in (here, there)]
    # Genomes of one kind may still mean different images: by other functions, coordinates or colours.
    if kinds[0] != kinds[1] or not np.array_equal(draw(here, genomes), draw(there, genomes)):
        ours, theirs = dataclasses.asdict(job.config), dataclasses.asdict(earlier.config)
        search = {field.name for field in dataclasses.fields(FoolingConfig)}
        differ = [name for name in theirs if name not in search and theirs[name] != ours.get(name)]
        raise InputError(
            f"init_from: the elites of {earlier.path} would be other images with these settings; there: "
            + ", ".join(f"{name} {in_words(theirs[name])}" for name in differ)
        )
