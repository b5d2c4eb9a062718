"""The cells of a table that say how many images reach each of the thresholds that are reported together."""

from collections.abc import Collection, Sequence

from fooljax.analysis.statistics import share_interval
from fooljax.study import numbers
from fooljax.study.tables import ALIKE, group_by, speaks_for
from fooljax.study.task import Row

_WORDS = """\
The share of the saved images that reach each threshold for their own class. 0.9 to 0.9999 are confidences.
`clean_median` is the median confidence of the network in clean images. `tpr_95` and `tpr_99` are the
confidences that 95 % and 99 % of clean images reach. Round brackets hold the share after temperature scaling.

Square brackets hold a 95 % interval{whom}"""
THRESHOLDS = _WORDS.format(whom=ALIKE)
"""What `threshold_cells` speaks of, for a reader of a table of networks that are trained alike."""


def threshold_words(networks: Collection[str]) -> str:
    """The same for a reader of a table of these networks, which may be of several architectures."""
    return _WORDS.format(whom=speaks_for(networks))


def threshold_cells(rows: Sequence[Row], network: str = "network") -> dict[str, str]:
    """Writes the shares of images that reach each threshold, before and after temperature scaling.

    Args:
      rows: of one line of a table; each has `shares`, as `fooljax.analysis.thresholds.Thresholds.shares`
        gives them.
      network: the entry that tells networks apart.
    Returns:
      The cells by the name of the threshold.
    """
    networks = group_by(rows, network).values()
    cells = {}
    for level in rows[0]["shares"]["raw"]:
        raw, scaled = (
            share_interval([[row["shares"][kind][level] for row in runs] for runs in networks])
            for kind in ("raw", "scaled")
        )
        cells[level] = f"{numbers.shares(raw)} ({numbers.percent(scaled.estimate)})"
    return cells
