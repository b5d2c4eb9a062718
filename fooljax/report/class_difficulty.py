"""Tables, figures and findings of `experiments.class_difficulty`, from its rows alone."""

from collections.abc import Sequence

from fooljax.report import difficulty_of_archives, difficulty_of_digits, difficulty_of_sets
from fooljax.report.data_titles import data_title
from fooljax.study import Row
from fooljax.study.findings import Finding

WORDS = """\
Log-odds are those of saved 8-bit images. **Classes in question**: the number of classes among which the
network is undecided, which is the exponential of the entropy of its answer. **Near classes**: the other
classes whose logits rise and fall with those of the class over all clean images. Of all pairs of classes,
the 1 % with the highest correlation are near. **Random pictures**: {random} random CPPN images, without
selection. Brackets are 95 % intervals. Clean images: {clean}. Threat model: the searches see a network's
logits, and no gradients or weights."""
LEARNT = " (digits that the LeNets have learnt from, so the results on clean digits are too good)"
PARTS = {"search": difficulty_of_digits, "archive": difficulty_of_archives, "set": difficulty_of_sets}
"""By the kind of its rows, the module that tells what they say."""


def tables(rows: Sequence[Row]) -> str:
    """`table.md`: for digits by class and as rank correlations; for ImageNet by group, and correlations."""
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}
    known = {_counted(row) for row in clean.values()}
    random = next((row["random_images"] for row in clean.values()), 0)
    texts = [WORDS.format(random=random, clean="; ".join(sorted(known)) or "none"), ""]
    for kind, part in PARTS.items():
        if group := [row for row in rows if row["kind"] == kind]:
            texts.append(part.tables(group, clean))
    return "\n".join(texts)


def findings(rows: Sequence[Row]) -> dict[str, Finding]:
    """What claims are held against.

    Args:
      rows: of the study.
    Returns:
      What `findings` of the modules in `PARTS` give.
    """
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}
    found: dict[str, Finding] = {}
    for kind, part in PARTS.items():
        found |= part.findings([row for row in rows if row["kind"] == kind], clean)
    return found


def figures(rows: Sequence[Row]) -> dict[str, bytes]:
    """Passes of each digit; for archives and networks the log-odds by group; for archives near classes."""
    clean = {row["network"]: row for row in rows if row["kind"] == "clean"}
    pictures: dict[str, bytes] = {}
    for kind, part in PARTS.items():
        pictures |= part.figures([row for row in rows if row["kind"] == kind], clean)
    return pictures


def _counted(row: Row) -> str:
    """How many clean images there were, and of what."""
    title = data_title(row["clean_data"])
    images = "photographs" if title == "photographs" else f"images of {title}"
    return f"{row['clean_images']:,} {images}{_learnt(row)}"


def _learnt(row: Row) -> str:
    learnt = row["clean_data"] == "mnist-embedded" and str(row["network"]).startswith("lenet-")
    return LEARNT if learnt else ""
