"""The figure of `experiments.detectors`: what gets through, without knowing a detector and knowing it."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from fooljax.report.png import png_bytes
from fooljax.report.style import own_style


@own_style()
def dumbbell_plot(
    panels: Mapping[str, Mapping[str, tuple[float | None, float | None]]], detectors: Sequence[str]
) -> bytes:
    """A PNG with a panel for each kind of images and a line for each detector.

    Args:
      panels: by kind of images, by detector: the share of images that get through without knowing the
        detector, and knowing it; None where one was not tried.
      detectors: from top to bottom.
    """
    figure = Figure(figsize=(2.2 + 2.6 * len(panels), 1.6 + 0.34 * len(detectors)), layout="constrained")
    every = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (kind, shares) in zip(every, panels.items(), strict=True):
        for place, name in enumerate(detectors):
            before, after = shares[name]
            if before is not None and after is not None:
                axes.plot([100 * before, 100 * after], [place, place], color="0.6", zorder=1)
            if after is not None:
                axes.plot(100 * after, place, "o", color="C3", zorder=3)
            if before is not None:
                axes.plot(100 * before, place, "o", color="C0", mfc="white", zorder=2)
        axes.set_title(kind, fontsize=10)
        axes.set_xlim(-4, 104)
        axes.set_xticks([0, 50, 100], ["0 %", "50 %", "100 %"])
        axes.grid(axis="x", alpha=0.3)
    every[0].set_yticks(range(len(detectors)), detectors)
    every[0].invert_yaxis()
    every[0].plot([], [], "o", color="C0", mfc="white", label="knows nothing of the detector")
    every[0].plot([], [], "o", color="C3", label="knows the detector")
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    figure.supxlabel("images that fool the network and pass", fontsize="medium")
    return png_bytes(figure)
