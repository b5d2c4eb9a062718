"""One search on all devices against the same on one: seconds, and whether the archives are the same."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from benchmarks.device.report import Found, LeftOutError, Wanted
from benchmarks.timing import spread
from fooljax.encodings import cppn
from fooljax.evolution import Evolution, search
from fooljax.storage.trees import digest_tree
from fooljax.strategies import map_elites
from fooljax.targets.shipped import pretrained


def devices(children: int, generations: int, repeats: int) -> Found:
    """A CPPN search of digits.

    Raises:
      LeftOutError: there is one device only.
    """
    count = len(jax.devices())
    if count == 1:
        raise LeftOutError("there is one device")
    encoding = cppn((28, 28, 1))
    strategy = map_elites(encoding, batch_size=children)
    do: Callable[..., Evolution] = partial(
        search, pretrained(), encoding, strategy, key=7, generations=generations, check_target=False
    )
    seconds: dict[int, list[float]] = {1: [], count: []}
    digests: dict[int, str] = {}
    for turn in range(repeats + 1):
        for number, spent in seconds.items():
            found = do(devices=number)
            digests[number] = digest_tree(found.archive)
            if turn:  # the first one compiles
                spent.append(found.seconds_search)
    gain = spread(np.asarray(seconds[1]) / np.asarray(seconds[count]))
    same = digests[1] == digests[count]
    figures: dict[str, Any] = {"devices": count, "children": children, "times_faster": gain, "same": same}
    line = f"{count} devices are {gain['median']:.2f} times as fast as one; the archives are "
    wanted = (Wanted("archives that are the same", float(same), least=1.0),)
    return Found(line + ("the same" if same else "not the same"), figures, wanted)
