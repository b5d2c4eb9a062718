"""A task whose images are known, and people who answer as they are told."""

import numpy as np

from fooljax.labelling.answers import KIND
from fooljax.labelling.images import Asked
from fooljax.labelling.task import LabelTask

CLASSES = ("cat", "dog", "car", "bus")
GROUPS = ("pets", "pets", "", "")


def asked(kind, index=None, level=0, source="run"):
    log_odds = 10.0 if kind == "evolved" else None
    return Asked(np.full((8, 8, 1), level, np.uint8), kind, source, 0, index, log_odds)


def task(evolved=8, clean=8, noise=4):
    images = [asked("evolved", number % 4, number) for number in range(evolved)]
    images += [asked("clean", number % 4, 50 + number, "photographs") for number in range(clean)]
    images += [asked("noise", None, 100 + number, "uniform noise") for number in range(noise)]
    return LabelTask(tuple(images), CLASSES, GROUPS, 0)


def saved(task, answer, labeller=""):
    """The content of a file of answers; `answer(image)` is the answer, or None for none."""
    answers = [
        {"image": name, "answer": given, "seconds": 1.0, "at": "2026-01-01T00:00:00.000Z"}
        for name, image in zip(task.names, task.images, strict=True)
        if (given := answer(image)) is not None
    ]
    return {"kind": KIND, "task": task.digest, "labeller": labeller, "answers": answers}


def sober(image):
    """Names clean images right and recognises nothing in all others."""
    return image.class_index if image.kind == "clean" else "nothing"
