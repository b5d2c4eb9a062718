"""A study of a toy network, without any search. As a program it does its tasks slowly, to be killed."""

import dataclasses
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from toys import target

from fooljax import study
from fooljax.errors import InputError
from fooljax.settings import option


@dataclass(frozen=True)
class Config:
    """Settings."""

    seeds: int = option(3, "Number of seeds.", least=1)
    seconds: float = option(0.0, "Seconds that a task takes.", least=0.0)
    rounds: int = option(1, "Number of rounds.", least=1)


def tasks(config, rows):
    planned = []
    for number in range(config.rounds):
        # A later round is named only when the rows of the one before it are there.
        if number and not any(row["round"] == number - 1 for row in rows):
            break
        for seed in range(config.seeds):
            settings = {"round": number, "seed": seed, "seconds": config.seconds}
            planned.append(study.Task(f"round={number},seed={seed}", settings, ("zero",), f"round={number}"))
    return planned


def network(config, name, say):
    return dataclasses.replace(target(0), image_shape=(6, 6, 1))


def measure(workspace, tasks):
    for task in tasks:
        time.sleep(task.settings["seconds"])
        rng = np.random.default_rng(task.settings["seed"])
        images = rng.integers(0, 256, (5, 6, 6, 1), dtype=np.uint8)
        again = workspace.save_images(task, images)
        yield {"bright": float(again.mean()), "same": bool(np.array_equal(images, again))}


def tables(rows):
    return study.markdown([{"seed": str(row["seed"]), "bright": f"{row['bright']:.1f}"} for row in rows])


def figures(rows):
    return {"curve.png": b"\x89PNG"}


STUDY = study.Study("toy", "A toy.", Config, tasks, network, measure, tables, figures)


def apart(config, rows):
    """Each task for itself."""
    return [dataclasses.replace(task, together="") for task in tasks(config, rows)]


def leaving_word(workspace, tasks):
    """Writes down which process measures, for whoever wants to know."""
    Path(os.environ["TOY_FOLDER"], f"{os.getpid()}").touch()
    yield from measure(workspace, tasks)


def dying_once(workspace, tasks):
    """The first process that comes to the task is killed by it."""
    mark = Path(os.environ["TOY_FOLDER"], "died")
    if tasks[0].settings["seed"] == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield from measure(workspace, tasks)


def deadly(workspace, tasks):
    if tasks[0].settings["seed"] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    yield from measure(workspace, tasks)


def refused(workspace, tasks):
    if tasks[0].settings["seed"] == 2:
        raise InputError("seed: expected none of 2")
    yield from measure(workspace, tasks)


def broken(workspace, tasks):
    raise KeyError("a fault in the study's own code")


def waiting(here, mark):
    """A part that goes on until nobody waits for it."""
    Path(mark).touch()
    while here.wanted():
        time.sleep(0.05)
    Path(mark).unlink()
    yield True


def failing(here, mark):
    while not Path(mark).exists():
        time.sleep(0.05)
    here.say("it fails")
    raise InputError("failed")


APART = dataclasses.replace(STUDY, tasks=apart)

if __name__ == "__main__":
    folder, seconds, *workers = sys.argv[1:]
    told = {"workers": int(workers[0])} if workers else {}
    changed = dataclasses.replace(APART, measure=leaving_word) if workers else STUDY
    study.run(changed, Config(seconds=float(seconds)), Path(folder), **told)
