"""Every combination of some settings, and the folder that belongs to each."""

import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fooljax.errors import InputError, shown
from fooljax.settings import in_words
from fooljax.storage.json_files import read_json

MOST_RUNS = 10_000
LONGEST_NAME = 200
"""Characters of a folder's name; file systems allow some more."""


def combinations(vary: Sequence[str]) -> list[dict[str, str]]:
    """Every combination of `names=value,value,...`; each a dict of setting to value, in a fixed order.

    Raises:
      InputError: an entry is not of that form, a setting is varied twice or has a value twice, or there are
        more combinations than anybody runs.
    """
    axes: list[list[dict[str, str]]] = []
    seen: set[str] = set()
    for entry in vary:
        names, _, values = entry.partition("=")
        if not names or not values or not all(values.split(",")):
            raise InputError(f"--vary: expected SETTING=VALUE,VALUE,..., got {shown(repr(entry))}")
        if len(set(values.split(","))) < len(values.split(",")):
            raise InputError(f"--vary: expected each value once, got {shown(entry)}")
        settings = [name.replace("_", "-") for name in names.split("+")]
        for name in settings:
            if name in seen:
                raise InputError(f"--vary: expected each setting once, got {shown(name)} twice")
            seen.add(name)
        axes.append([dict.fromkeys(settings, value) for value in values.split(",")])
    if (count := math.prod(map(len, axes))) > MOST_RUNS:
        raise InputError(f"--vary: expected at most {MOST_RUNS:,} combinations, got {count:,}")
    return [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*axes)]


def folder_name(combination: Mapping[str, str]) -> str:
    """The name of a combination's folder, as `coordinates=raw,seed=0`; "run" where nothing is varied.

    It holds only what is safe in a path. Where it is not the whole truth, a digest of that follows, so that
    every combination has a name of its own.
    """
    whole = ",".join(f"{name}={value}" for name, value in combination.items()) or "run"
    safe = re.sub(r"[^\w.,=+-]", "_", whole, flags=re.ASCII)[:LONGEST_NAME]
    return safe if safe == whole else f"{safe}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def check_same_run(folder: Path, given: Mapping[str, Any]) -> None:
    """Makes sure that the run in a folder is the one that these settings would make there.

    Raises:
      InputError: it was begun with another value of a setting.
    """
    settings = read_json(folder / "config.json").get("settings")
    for name, value in given.items():
        if isinstance(settings, dict) and name in settings and settings[name] != value:
            found = shown(in_words(settings[name]))
            raise InputError(f"{shown(folder)}: expected a run with {name} {in_words(value)}, found {found}")
