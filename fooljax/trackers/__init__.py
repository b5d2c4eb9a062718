"""Callbacks that tell an experiment tracker how a search goes, in one line each.

    fooljax.evolve(..., on_chunk=fooljax.trackers.tensorboard("logs"))

A tracker is told of every generation, between two chunks, when the device waits anyway. It changes nothing of
the search. A tracker that fails says so in one line, and the search goes on without it.
"""

from fooljax.trackers.event_files import tensorboard
from fooljax.trackers.mlflow_runs import mlflow
from fooljax.trackers.tracker import Tracker
from fooljax.trackers.wandb_runs import wandb

__all__ = ["Tracker", "mlflow", "tensorboard", "wandb"]
