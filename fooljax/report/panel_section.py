"""What the page of a run says of its judges: the section "Is it recognisable?"."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fooljax.engine.log_odds import FOOLED, format_confidence
from fooljax.report.content import Number
from fooljax.report.image_files import Files
from fooljax.report.panel_content import CHANGES, ImageLine, JudgeLine, PanelSection, SetLine
from fooljax.report.pictures import link
from fooljax.report.run_settings import percentage
from fooljax.report.thumbnails import position, sheet
from fooljax.runs.ascent_record import AscentRecord
from fooljax.runs.panel_table import PanelRow
from fooljax.runs.record import RunRecord
from fooljax.runs.words import listed

IMAGES = {"first": "First images that fooled", "elites": "Best images"}
CONTROLS = {
    "clean": "Control: clean images",
    "uniform_noise": "Control: uniform noise",
    "gaussian_noise": "Control: Gaussian noise",
}
NONE_AGREES = "Fool the network, and no judge agrees"


def panel_section(record: RunRecord, files: Files, folder: Path, most: int) -> PanelSection | None:
    """What the page of a search says of the judges.

    Args:
      record: of the run.
      files: of the best images, by run and class.
      folder: of the page.
      most: images that are listed one by one at most; where there are more, none is.
    Returns:
      None where no judge was asked.
    """
    facts = record.summary.get("panel")
    if not isinstance(facts, Mapping):
        return None
    rows = [row for row in record.panel_rows if row.kind == "elites" and (row.run, row.class_index) in files]
    rows = rows if len(rows) <= most else []
    names = [files[row.run, row.class_index] for row in rows]
    images = tuple(_image(place, row, names[place]) for place, row in enumerate(rows))
    return _section(facts, {**IMAGES, **CONTROLS}, images, sheet(folder, names) if names else "")


def ascent_panel_section(record: AscentRecord) -> PanelSection | None:
    """What the page of a gradient ascent says of the judges; None where no judge was asked."""
    facts = record.summary.get("panel")
    if not isinstance(facts, Mapping):
        return None
    return _section(facts, {**{name: name for name in record.ascents}, **CONTROLS}, (), "")


def _section(
    facts: Mapping[str, Any], titles: Mapping[str, str], images: tuple[ImageLine, ...], sprite: str
) -> PanelSection:
    counted = tuple(name for name, one in facts["judges"].items() if not one["refused"])
    relatives = {name for name in counted if facts["judges"][name]["same_family"]}
    has_relatives = bool(relatives) and len(relatives) < len(counted)
    found = {name: facts["sets"][name] for name in titles if name in facts["sets"]}
    one_set: Mapping[str, Any] = next(iter(found.values()))
    return PanelSection(
        judges=tuple(_judge(name, one) for name, one in facts["judges"].items()),
        counted=counted,
        has_relatives=has_relatives,
        spaces=tuple(one_set["distances"]),
        changes=tuple(CHANGES.get(name, name) for name in one_set["after"]),
        sets=tuple(_set(titles[name], one, counted, has_relatives) for name, one in found.items()),
        clean=_clean(facts),
        chosen=_chosen(facts.get("found_in_folder", ())),
        images=images,
        sprite=sprite,
    )


def panel_numbers(record: RunRecord) -> Iterator[Number]:
    """The result of the panel among the numbers of the page."""
    facts = record.summary.get("panel")
    if not isinstance(facts, Mapping):
        if record.is_log_odds:
            yield Number(NONE_AGREES, "not measured", "No judge was asked what it takes these images for.")
        return
    best = facts["sets"].get("elites")
    if best is None:
        return
    judges = [name for name, one in facts["judges"].items() if not one["refused"]]
    others = best["no_judge_of_another_family_agrees"]
    without = ""
    if others is not None and any(facts["judges"][name]["same_family"] for name in judges):
        without = f" Without the judges of the same family as the network it is {others:,}."
    yield Number(
        NONE_AGREES,
        f"{best['no_judge_agrees']:,} of {best['images']:,}",
        f"Best images with 99.99 % or more in which no judge sees the class. Judges: {', '.join(judges)}."
        f"{without} Every judge agrees on {best['every_judge_agrees']:,}.",
    )


def _judge(name: str, one: Mapping[str, Any]) -> JudgeLine:
    right, threshold = one["names_clean_images_rightly"], one["threshold_log_odds"]
    return JudgeLine(
        name=name,
        title=str(one["name"]),
        relative=one["same_family"],
        right="" if right is None else percentage(right, 1),
        threshold="" if threshold is None else format_confidence(threshold),
        recognised="" if right is None else percentage(one["recognises_clean_images"], 1),
        noise=percentage(one["noise_as_sure"], 1),
        refused=one["refused"] or "",
    )


def _set(name: str, one: Mapping[str, Any], counted: tuple[str, ...], has_relatives: bool) -> SetLine:
    verdicts = [one["images"], one["fooled"], *(one["judges"][judge]["agrees"] for judge in counted)]
    verdicts.append(one["no_judge_agrees"])
    if has_relatives:
        verdicts.append(one["no_judge_of_another_family_agrees"])
    apart = [f"{space['median_percentile']:.0f} %" for space in one["distances"].values()]
    left = [f"{change['still_fooled']:,}" for change in one["after"].values()]
    return SetLine(name, tuple(f"{number:,}" for number in verdicts), (f"{one['fooled']:,}", *left, *apart))


def _image(place: int, row: PanelRow, name: str) -> ImageLine:
    left, top = position(place)
    return ImageLine(
        row=row,
        link=link(name),
        left=left,
        top=top,
        confidence=format_confidence(row.log_odds),
        percentiles=tuple(f"{apart.percentile:.0f} %" for apart in row.distances.values()),
        left_after=tuple("yes" if odds >= FOOLED else format_confidence(odds) for odds in row.after.values()),
    )


def _chosen(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        "No judge was named. So those networks were asked whose files are in the folder of weights and whose "
        f"architecture is another than that of the network: {listed(names)}."
    )


def _clean(facts: Mapping[str, Any]) -> str:
    clean = facts["clean_images"]
    if clean is None:
        return ""
    known = (
        "None of the networks learnt from them."
        if clean["held_out_from_all_networks"]
        else "Some of the networks may have learnt from them, and be surer of them than of new images."
    )
    return (
        f"The clean images are {clean['calibrated_on']:,} test images of the data set {clean['dataset']}. "
        f"Others of these are the control. {known} {clean['source']}"
    )
