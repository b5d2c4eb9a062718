"""What a search begins with instead of random genomes: the elites of a finished run.

So a search goes on with other settings, or against another network. It is a run of its own: its generations,
and what goes by them, count from 0. Its summary says how many network passes its first genomes had cost.
They are kept in the new run's own folder, so that it can be resumed when the earlier one is gone.
"""

from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

import jax
import numpy as np

from fooljax.engine.types import Encoding, Genome
from fooljax.errors import InputError, shown
from fooljax.rendering import draw
from fooljax.runs.opened import open_folder
from fooljax.runs.plan import Initial, RunPlan
from fooljax.runs.record import RunRecord
from fooljax.settings import flag_of, in_words
from fooljax.storage.trees import load_arrays, load_tree, save_tree

FILE = "initial.npz"
"""Of the new run's folder."""
DRAWING = ("topology", "functions", "coordinates", "max_nodes", "max_connections", "colour", "storage")
"""The settings of the encodings that decide which image a genome is."""


def with_initial(plan: RunPlan, kept_in: Path | None = None) -> RunPlan:
    """The plan together with the genomes that it begins with.

    Args:
      plan: the plan.
      kept_in: the folder of the run, where it was begun before.
    Raises:
      InputError: `init_from` is not the folder of a finished run, or its genomes are not of the encoding.
    """
    if plan.init_from is None:
        return plan
    if kept_in is not None and (kept_in / FILE).exists():
        return replace(plan, initial=read_initial(kept_in / FILE, plan.encoding))
    own = plan.encoding if plan.encoding.settings is None else None
    try:
        earlier = open_folder(plan.init_from, own)
        summary = earlier.summary
    except InputError as error:
        raise InputError(f"init_from: {error}") from error
    evaluations = [summary.get("evaluations"), summary.get("evaluations_before", 0)]
    if not all(map(_is_count, evaluations)):
        raise InputError(
            f"init_from: {earlier.path / 'summary.json'}: expected numbers of evaluations, found none"
        )
    genomes = elites_of(earlier)
    _check(plan, earlier, genomes)
    return replace(plan, initial=Initial(genomes, sum(evaluations)))


def keep(plan: RunPlan, folder: Path) -> None:
    """Writes what a search begins with, if anything, into the folder of its run.

    Raises:
      FaultError: the disk is full or read-only.
    """
    if plan.initial:
        count = len(jax.tree.leaves(plan.initial.genomes)[0])
        facts = {"evaluations": plan.initial.evaluations, "genomes": count}
        save_tree(folder / FILE, plan.initial.genomes, facts)


def read_initial(path: Path, encoding: Encoding) -> Initial:
    """Reads what `keep` wrote.

    Raises:
      InputError: the file is damaged, or of another encoding.
    """
    facts = load_arrays(path)[2]
    evaluations, count = facts.get("evaluations"), facts.get("genomes")
    if not _is_count(evaluations) or not _is_count(count):
        raise InputError(f"{path}: expected numbers of evaluations and genomes, found none")
    genome = jax.eval_shape(encoding.init, jax.random.key(0))
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), genome)
    return Initial(load_tree(path, template)[0], evaluations)


def elites_of(run: RunRecord) -> Genome:
    """The elites of all its runs and cells, leaves `[N, ...]`, each once however many cells it holds."""
    archive = run.archive
    runs, cells = np.nonzero(np.asarray(archive.occupied))
    ids = np.asarray(archive.ids)[runs, cells]
    _, first = np.unique(np.stack([runs, ids]), axis=1, return_index=True)
    runs, cells = runs[first], cells[first]
    return jax.tree.map(lambda leaf: np.asarray(leaf)[runs, cells], archive.genomes)


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**53


def _check(plan: RunPlan, earlier: RunRecord, genomes: Genome) -> None:
    """Makes sure that the genomes mean in this search what they meant there."""
    here, there = plan.encoding, earlier.known_encoding()
    if here.name != there.name:
        raise InputError(
            f"init_from: {shown(earlier.path)} was made with the encoding {shown(there.name)}, got "
            f"{shown(here.name)}"
        )
    if here.image_shape != there.image_shape:
        raise InputError(
            f"init_from: expected images {list(here.image_shape)}, those of {earlier.path} are "
            f"{list(there.image_shape)}"
        )
    kinds = [jax.eval_shape(one.init, jax.random.key(0)) for one in (here, there)]
    # Genomes of one kind may still mean different images: by other functions, coordinates or colours.
    if kinds[0] != kinds[1] or not np.array_equal(draw(here, genomes), draw(there, genomes)):
        differ = [
            f"{flag_of(name)} {in_words(earlier.settings[name])}"
            for name in DRAWING
            if name in earlier.settings and earlier.settings[name] != plan.settings.get(name)
        ]
        raise InputError(
            f"init_from: the elites of {shown(earlier.path)} would be other images with these settings; "
            f"there: {shown(', '.join(differ)) or f'other settings of the encoding {shown(there.name)}'}"
        )
