"""A study of a toy network, without any search. As a program it does its tasks slowly, to be killed."""

import dataclasses
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from toys import target

from fooljax import study
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

if __name__ == "__main__":
    study.run(STUDY, Config(seconds=float(sys.argv[2])), Path(sys.argv[1]))
