"""What an audit did not test, in sentences that are made from what really did not run."""

from collections.abc import Sequence

from fooljax.analysis.thresholds import LEAST_TEMPERATURE
from fooljax.audits.audited import Audited
from fooljax.audits.clean import LEAST_OF_THREE
from fooljax.audits.detector_step import enough_for_detectors
from fooljax.audits.plan import best_detectors
from fooljax.audits.settings import AuditSettings
from fooljax.data import embedded
from fooljax.detectors import DETECTORS
from fooljax.study import Row

ALWAYS = (
    "Whether people recognise anything in the images was not measured.",
    "Small changes of clean images (adversarial examples) were not tried.",
)

LEARNT_FROM = (
    "The clean images may be among those that the network learnt from, so it may be surer of them than of "
    "others."
)


def may_be_training_data(audited: Audited) -> bool:
    """Whether clean images may be known to the network: the embedded digits are a part of MNIST's 60,000.

    A network that was trained here on the embedded digits has learnt from another part of them than tests. Of
    a network from elsewhere nothing is known.
    """
    learnt = audited.target.provenance.get("dataset_name")
    return audited.clean.described == embedded.SOURCE and learnt not in (None, embedded.NAME)


def not_tested(audited: Audited, config: AuditSettings, rows: Sequence[Row]) -> list[str]:
    """The sentences.

    Args:
      audited: what was audited.
      config: the settings.
      rows: of all steps.
    """
    by_kind = {row["kind"]: row for row in rows}
    if "clean" not in by_kind:
        return ["Nothing but the checks was done, since the network does not always give numbers.", *ALWAYS]
    found = [
        *_of_images(audited, by_kind["clean"]),
        *_of_shown(audited, by_kind["survival"]),
        *_of_attacks(audited, rows),
        *_of_detectors(audited, config, by_kind.get("detectors"), rows),
    ]
    if not audited.judges:
        found.append("No other network judged the images (--judge).")
    if not audited.seconds:
        found.append("Whether the images fool a second network was not tried (--second).")
    return [*found, *ALWAYS]


def _of_images(audited: Audited, clean: Row) -> list[str]:
    found = [LEARNT_FROM] if may_be_training_data(audited) else []
    if not audited.clean.labelled:
        found.append("How many clean images the network names rightly is not known, since none has a label.")
    taken = clean["thresholds"]["taken_on"]
    if missing := [name for name in ("95", "99") if f"tpr_{name}" not in clean["thresholds"]["raw"]]:
        found.append(
            f"What {' and '.join(missing)} % of clean images reach cannot be told from {taken} "
            f"image{'s' if taken > 1 else ''}."
        )
    if not clean["thresholds"]["fitted_on"]:
        found.append("No temperature was fitted, which takes 198 clean images with labels for thresholds.")
    elif clean["thresholds"]["temperature"] <= LEAST_TEMPERATURE:
        found.append(
            "The temperature that fits the network's confidence cannot be told, since all clean images that "
            "would tell it are named rightly."
        )
    return found


def _of_attacks(audited: Audited, rows: Sequence[Row]) -> list[str]:
    attacks = [row for row in rows if row["kind"] == "attack"]
    found = []
    ascents = [row for row in attacks if row["generator"] == "gradient"]
    if not ascents:
        found.append("Gradient ascent was not tried, since the network has no gradients here.")
    elif len(ascents[0]["classes"]) < len(audited.cells):
        found.append(
            f"Gradient ascent was tried for {len(ascents[0]['classes'])} of {len(audited.cells):,} classes, "
            "evenly spaced; the budget allowed no more."
        )
    runs = sum(row["generator"] == "cppn" for row in attacks)
    if runs == 1:
        found.append("Every attack was made once, so nothing says how far other runs would differ.")
    return found


def _of_shown(audited: Audited, survival: Row) -> list[str]:
    shown, classes = survival["shown"], len(audited.cells)
    if shown == classes:
        return []
    return [f"Detectors and other networks saw {shown} of the {classes:,} images of a run, evenly spaced."]


def _of_detectors(
    audited: Audited, config: AuditSettings, detectors: Row | None, rows: Sequence[Row]
) -> list[str]:
    if detectors is None:
        if config.detectors == "none":
            return ["Detectors were not tried, as was asked for."]
        if not enough_for_detectors(audited.clean):
            return [
                f"Detectors were not tried: they need {LEAST_OF_THREE} clean images, and there were "
                f"{audited.clean.total}."
            ]
        return ["Detectors were not tried."]
    found = []
    tried, left_out = detectors["detectors"], detectors["left_out"]
    if missing := [name for name in DETECTORS if name not in tried]:
        found.append(f"Detectors that need more than the network tells were not tried: {', '.join(missing)}.")
    found += [f"The detector {name} was not tried: {reason}." for name, reason in left_out.items()]
    known = {row["detector"] for row in rows if row["kind"] == "knowing"}
    if unknown := [name for name in best_detectors(detectors) if name not in known]:
        found.append(f"No images were made that know these detectors: {', '.join(unknown)}.")
    return found
