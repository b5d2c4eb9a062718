"""Trains the LeNets that are shipped with fooljax, on MNIST's 60,000 digits.

Run as `python -m experiments.train_lenet --data idx:DIR --outdir DIR`, DIR holding MNIST's four IDX files.
The folder then has one file of weights for each seed, and a card that says what they are. A seed whose file
is there already is not trained again, so the command can be stopped and given again.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from experiments.command_line import REQUIRED, option, run_command
from fooljax import datasets
