"""Tables, figures and findings of `experiments.feature_size`, from its rows alone."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from fooljax.analysis.feature_size import size_at_level
from fooljax.analysis.statistics import Interval, mean_interval, median_interval
from fooljax.engine.log_odds import format_confidence, to_log_odds
from fooljax.report.bands import curves
from fooljax.report.png import png_bytes
from fooljax.report.sequence import strip
from fooljax.study import Row, group_by, markdown, numbers
from fooljax.study.findings import Finding, describe_sample
from fooljax.study.images import images_of
from fooljax.study.measured_sets import ARCHIVE, CLEAN, NAMES, THREAT, sets_table, sort_rows
from fooljax.study.tables import speaks_for, values_by_network

LEAST = to_log_odds(0.9)
"""Log-odds that an image must have to take part: of less, nothing can be said to be kept."""
KINDS = {
    "shuffled": ("pieces", "side of shuffled pieces, pixels"),
    "alone": ("windows", "side of the best window alone, pixels"),
    "hidden": ("windows", "side of a hidden window, pixels"),
    "pixels": ("percent", "share of pixels left, %"),
    "low": ("cutoffs", "only frequencies below, cycles per image"),
    "high": ("cutoffs", "only frequencies from, cycles per image"),
}
"""Each kind of change: which sizes it has, and what the axis of its figure says."""
HEADS = {
    "shuffled": "pieces at which half is lost, pixels",
    "alone": "window that alone keeps half, pixels",
    "hidden": "hidden window that costs half, pixels",
    "pixels": "least share of pixels that keeps half, %",
    "low": "low frequencies that keep half: highest, cycles",
    "high": "high frequencies that keep half: lowest, cycles",
}
FEW = 0.1
"""Of the images of a generator; of fewer that take part nothing is drawn."""
FALLING = ("hidden", "high")
"""The larger the size, the less is left."""
HOW = """\
**What is kept**: the log-odds of the class in the changed image, divided by those in the image itself; the
median over the images of a run. Half the log-odds of 99.99 % are those of 99 %. Only images with 90 % or more
are counted. **Pieces**: squares that change places; the mean over several orders. **A window alone**: the
rest of the image gets its median colour; the best of the windows counts. **A hidden window**: the window gets
the median colour of a ring of two pixels around it; the mean over windows. **Pixels left**: the pixels with
the largest gradients stay, and the others get the median colour; fewer may suffice. More pixels may keep less
than fewer, so the least share is told. **Frequencies**: of the
cosine transform; the mean colour always stays. Sizes are interpolated between those that were measured.
"< 2" and "> 14" mean that the curve is beyond half at all measured sizes.

Each network counts as one observation, the median of its runs. Brackets are 95 % intervals{whom}"""


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against: see `fooljax.study.findings`.

    Returns:
      For evolved CPPNs (`cppn`), pixels (`direct`), a finished run (`archive`) and `clean` images, as shares
      of an image's side: `KIND_pieces`, the side of shuffled pieces at which half of the log-odds is lost;
      `KIND_alone`, that of the best window that alone keeps half.
    """
    found = {}
    for generator in ("cppn", "direct", ARCHIVE, CLEAN):
        group = [row for row in rows if row["generator"] == generator]
        for name, kind in (("pieces", "shuffled"), ("alone", "alone")):
            if groups := values_by_network(group, lambda row, kind=kind: _of_the_side(row, kind)):  # type: ignore[misc]
                found[f"{generator}_{name}"] = _written(median_interval(groups), group, KINDS[kind][0])
    return found


def _of_the_side(row: Row, kind: str) -> float | None:
    size = half_size(row, kind)
    return None if size is None else size / _side(row)


def _side(row: Row) -> float:
    return 2.0 * float(max(row["sizes"]["pieces"]))  # the largest pieces are halves of it


def _written(value: Interval, rows: Sequence[Row], measured: str) -> Finding:
    """A size as a share of the side; beyond the largest that was measured it is only known to be larger."""
    most = min(max(row["sizes"][measured]) / _side(row) for row in rows if "sizes" in row)
    written = numbers.shares(Interval(*(min(end, 1.0) for end in value)))
    beyond = f"> {numbers.percent(most, 0)}"
    units = describe_sample(len(rows), len(group_by(rows, "network")))
    return Finding(value, beyond if value.estimate > most else written, units)


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: the sets, and the sizes at which half of the log-odds is lost."""
    rows = sort_rows(rows)
    lines = []
    for (generator,), group in group_by(rows, "generator").items():
        counted = sum(row["counted"] for row in group)
        line = {
            "images": NAMES[generator],
            "images counted": f"{counted} of {sum(row['images'] for row in group)}",
        }
        for kind, head in HEADS.items():
            line[head] = half_size_text(group, kind)
        lines.append(line)
    return "\n".join(
        [
            "### Where half of the log-odds is lost\n",
            markdown(lines),
            "",
            HOW.format(whom=speaks_for({row["network"] for row in rows})),
            "\n### The images\n",
            sets_table(rows),
            "",
            THREAT,
            "",
        ]
    )


def half_size(row: Row, kind: str) -> float | None:
    """The size at which half is kept; 0 or infinity where it lies beyond all sizes that were measured."""
    if kind not in row["kept"]:
        return None
    share = row["kept"][kind]
    sizes = row["sizes"][KINDS[kind][0]]
    if kind in FALLING:
        found = size_at_level([1.0 / size for size in reversed(sizes)], share[::-1])
        return float("inf") if found == 0.0 else 1.0 / found
    return size_at_level(sizes, share, least=kind == "pixels")


def half_size_text(rows: Sequence[Row], kind: str) -> str:
    """The median size at which half is kept, with its interval, as a table says it.

    Args:
      rows: of one generator.
      kind: out of `KINDS`.
    """
    groups = values_by_network(rows, lambda row: half_size(row, kind))
    if not groups:
        return numbers.NONE
    sizes = next(row["sizes"][KINDS[kind][0]] for row in rows if kind in row["kept"])

    def written(value: float) -> str:
        if value < sizes[0]:
            return f"< {sizes[0]}"
        return f"> {sizes[-1]}" if value > sizes[-1] else numbers.plain(value, 1)

    if len(set(said := [written(value) for group in groups for value in group])) == 1:
        return said[0]
    middle, low, high = map(written, median_interval(groups))
    return f"{middle} [{low}, {high}]"


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """What is kept against each size, and what changed images look like; of a few images nothing is drawn."""
    rows = [row for row in sort_rows(rows) if row["generator"] in _drawn(rows)]
    panels: dict[str, dict[str, Any]] = {label: {} for _, label in KINDS.values()}
    for (generator,), group in group_by(rows, "generator").items():
        for kind, (sizes, label) in KINDS.items():
            if measured := [row for row in group if kind in row["kept"]]:
                places = measured[0]["sizes"][sizes]
                panels[label][NAMES[generator]] = (
                    places,
                    [_interval(measured, kind, place) for place in range(len(places))],
                )
    found = {}
    if any(panels.values()):
        up = "share of the log-odds kept (axis from \N{MINUS SIGN}1 to 1.6)"
        found["kept.png"] = curves(panels, up=up, level=0.5, limits=(-1.0, 1.6))
    for row in rows:
        name = f"example-{row['generator']}.png"
        if "example" in row and row["counted"] and name not in found:
            found[name] = _example(row["example"], NAMES[row["generator"]])
    return found


def _drawn(rows: Sequence[Row]) -> set[str]:
    """The generators of which enough images take part."""
    return {
        str(generator)
        for (generator,), group in group_by(rows, "generator").items()
        if sum(row["counted"] for row in group) >= FEW * sum(row["images"] for row in group)
    }


def _interval(rows: Sequence[Row], kind: str, place: int) -> Interval:
    return mean_interval(values_by_network(rows, lambda row: row["kept"][kind][place]))


def _example(example: dict[str, Any], name: str) -> bytes:
    shape = (len(example["names"]), *example["shape"])
    images = images_of(b64decode(example["png"]), shape)
    captions = [
        [label.replace("shuffled", "pieces"), format_confidence(odds)]  # longer captions would be cut
        for label, odds in zip(example["names"], example["log_odds"], strict=True)
    ]
    text = (
        f"Class {example['class']}, of: {name}. Pieces: the side of shuffled pieces in pixels. Low and high: "
        "frequencies below and from so many cycles per image. Below each stands the confidence in the class."
    )
    return png_bytes(strip(images, captions, [text]))
