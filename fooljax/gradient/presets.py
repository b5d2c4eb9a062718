"""The four settings of the authors' rule that made the figures of the paper.

Source: Nguyen et al. 2015, section 3.9, figure 13, and the authors' `hyperparam_search.py`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fooljax.gradient._progress import ProgressSettings


class Preset(NamedTuple):
    """Published settings.

    Attributes:
      settings: of the rule.
      iterations: that it was run for.
    """

    settings: ProgressSettings
    iterations: int


def _searched(decay: float, early: float, late: float, **regularisers: float) -> ProgressSettings:
    return ProgressSettings(decay, early, late, max_rate=1e7, **regularisers)  # type: ignore[arg-type]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "unregularised": Preset(_searched(0.0, 0.02, 0.1), 500),
        "seed_169": Preset(_searched(0.01, 0.03, 0.02), 1500),
        "seed_188": Preset(_searched(0.001, 0.03, 0.05, blur_radius=0.4, blur_every=2), 1000),
        "seed_360": Preset(
            _searched(
                0.001,
                0.03,
                0.05,
                blur_radius=0.3,
                small_norm_percentile=20.0,
                absolute_benefit_percentile=20.0,
            ),
            1500,
        ),
    }
)
"""By name. The authors found them by random search, with the seeds -1, 169, 188 and 360; here their random
draws were replayed."""
