"""What held-out judges say of the saved images of published searches, from `panel` in their summaries."""

from collections.abc import Mapping, Sequence
from typing import Any

from docs.rows import Search
from fooljax.study import markdown

CONTROLS = {"clean": "control: clean images", "uniform_noise": "control: uniform noise"}
"""Sets of images that are of no search."""
RELATIVE = "its relative agrees"
HOW = """\
A **relative** is a network of the same architecture, trained alike with another seed. A judge agrees if it
names the same class, with at least the confidence that 95 % of clean images get from it, and more than 90 %
of noise images get. The last two columns count the images that fool while no judge agrees: no judge at all,
and no judge but the relative."""


def judged_searches(found: Mapping[str, Search]) -> str:
    """A table of the searches whose images judges were asked about, and of their controls.

    Args:
      found: the searches by name, against the same networks; those of which a summary has no `panel` are
        left out.
    Returns:
      Markdown: the table, and what its columns mean; "" where no judges were asked.
    """
    panels = {name: [row["panel"] for row in one.rows if row.get("panel")] for name, one in found.items()}
    judged = {name: of for name, of in panels.items() if len(of) == len(found[name].rows)}
    if not judged:
        return ""
    lines = [{"images": f"`{name}`", **_counts(of, "elites")} for name, of in judged.items()]
    control = next(iter(judged.values()))
    lines += [{"images": title, **_counts(control, kind)} for kind, title in CONTROLS.items()]
    return f"{markdown(lines)}\n\n{HOW}"


def _counts(panels: Sequence[Mapping[str, Any]], kind: str) -> dict[str, str]:
    """The cells of one kind of images, over the networks."""
    sets = [panel["sets"][kind] for panel in panels]
    images = sum(one["images"] for one in sets)
    agrees: dict[str, list[int | None]] = {}
    for panel, one in zip(panels, sets, strict=True):
        for judge, said in one["judges"].items():
            role = RELATIVE if panel["judges"][judge]["same_family"] else f"{judge} agrees"
            agrees.setdefault(role, []).append(said["agrees"])
    fooled, nobody, no_other = (
        sum(one[count] for one in sets)
        for count in ("fooled", "no_judge_agrees", "no_judge_of_another_family_agrees")
    )
    return {
        "fool": f"{fooled:,} of {images:,}",
        **{role: _count(counts, images) for role, counts in agrees.items()},
        "fool, no judge agrees": f"{nobody:,} of {images:,}",
        "fool, none but the relative agrees": f"{no_other:,} of {images:,}",
    }


def _count(counts: Sequence[int | None], images: int) -> str:
    """Of all networks; a judge that was refused, whose counts are None, is left out."""
    known = [count for count in counts if count is not None]
    return f"{sum(known):,} of {images:,}" if len(known) == len(counts) else "left out"
