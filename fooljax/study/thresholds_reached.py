"""The cells of a table that say how many images reach each of the thresholds that are reported together."""

from collections.abc import Sequence

from fooljax.analysis.statistics import share_interval
from fooljax.study import numbers
from fooljax.study.tables import ALIKE, group_by
from fooljax.study.task import Row

_WORDS = """\
The share of the saved images that reach each threshold for their own class. 0.9 to 0.9999 are confidences.
`clean_median` is the median confidence of the network in clean images. `tpr_95` and `tpr_99` are the
confidences that 95 % and 99 % of clean images reach. Round brackets hold the share after temperature scaling.

Square brackets hold a 95 % interval{whom}"""


def threshold_words(whom: str = ALIKE) -> str:
    """What `threshold_cells` speaks of, for a reader of a table.

    Args:
      whom: for whom its intervals speak, the end of a sentence: see `fooljax.study.tables.speaks_for`.
    """
    return _WORDS.format(whom=whom)


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
