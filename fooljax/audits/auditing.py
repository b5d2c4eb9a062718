"""`fooljax.audit`: one call that says how easily a network is fooled, and whether a detector would notice."""

import functools
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fooljax.analysis.detection import sklearn_metrics
from fooljax.audits.attack_entries import best_images, group_attacks, picture_of
from fooljax.audits.audited import Audited, check_one_network, detectors_of, rejecting_class
from fooljax.audits.budget import divide_budget
from fooljax.audits.checks import answers_of
from fooljax.audits.clean import CleanParts, checked_images, shape_of
from fooljax.audits.content import content
from fooljax.audits.detector_step import enough_for_detectors
from fooljax.audits.measuring import Steps
from fooljax.audits.plan import tasks
from fooljax.audits.reading import read_images
from fooljax.audits.record import FILE, read_audit
from fooljax.audits.settings import AUTO, BUDGET, AuditSettings
from fooljax.audits.untested import LEARNT_FROM, may_be_training_data
from fooljax.data.dataset import Dataset
from fooljax.engine.types import Target, as_target, check_channels, checked_shape
from fooljax.errors import InputError, shown
from fooljax.own_settings import with_own_settings
from fooljax.probe import TOLERANCE, examine
from fooljax.report.audit_page import write_audit_page
from fooljax.report.png import save_png
from fooljax.settings import check_settings
from fooljax.storage.json_files import write_json
from fooljax.storage.outputs import as_folder
from fooljax.study import Row, Study, run
from fooljax.study.rows import read_whole
from fooljax.targets import own_choice
from fooljax.targets.choice import Say
from fooljax.targets.registry import find_target

STUDY = "audit"
logger = logging.getLogger("fooljax")


@with_own_settings
def audit(
    target: Target | Callable[..., Any] | str,
    images: npt.ArrayLike | Dataset | str,
    labels: npt.ArrayLike | None = None,
    *,
    outdir: Path | str,
    budget: int = BUDGET,
    class_names: tuple[str, ...] = (),
    seconds: Mapping[str, Target] | None = None,
    judges: Mapping[str, Target] | None = None,
    reject: str | None = None,
    guess: bool = False,
    detectors: str = AUTO,
    source: str = "Python",
    command: str = "fooljax.audit(...)",
    say: Say = print,
) -> dict[str, Any]:
    """Audits a network: how easily it is fooled, how sure it then is, and whether a detector would notice.

    A network with a fault, such as one that gives probabilities or whose answers depend on the batch, is not
    refused: the fault is a finding, and the rest is done as far as it can be. A call that was killed goes on
    when it is made again.

    Args:
      target: the network: a `Target`, what `host_target` gives, any JAX callable, the name of one in
        `fooljax.targets.TARGETS`, or MODULE:NAME. Where it does not say the shape of its images, that is the
        shape of `images`.
      images: clean images, which the network has not learnt from: `[N, H, W, K]` uint8, or floats in [0, 1];
        a `fooljax.data.Dataset`; or a text, as `--images` takes it. 10 are enough for some of it, 300 for
        detectors.
      labels: `[N]`, their classes; None where they are not known, or come with the images.
      outdir: a new or empty folder, or that of the same audit to go on with. It will hold `audit.json`,
        `index.html`, pictures and a row for each step.
      budget: network passes of all attacks. Clean images and scores are counted apart.
      class_names: `C` names, where the target has none or others.
      seconds: networks that the images are carried over to, by name.
      judges: networks for the same classes that had no part in making the images, by name.
      reject: the name of a class that means none of the others.
      guess: whether to give the network its input with another range or channel order, where that names
        clearly more clean images rightly. By default this is only reported.
      detectors: "auto", "none", or names with commas between them.
      source: the file or code that the network comes from.
      command: what does the same again, in words.
      say: prints a line of progress.
    Returns:
      What `audit.json` holds, see `fooljax.audits.record`.
    Raises:
      InputError: an argument is not as above, or the folder holds another audit.
      FaultError: a file cannot be written, or scikit-learn is needed for detectors and not installed.
    """
    folder = as_folder("outdir", outdir)
    config = AuditSettings(budget, guess, reject, detectors)
    check_settings(config)
    network = known_network(target, class_names, say, shape_of(images))
    check_one_network(network)
    names = detectors_of(network, detectors)
    audited = Audited(
        network,
        _clean(images, labels, network),
        _checked("seconds", seconds, network),
        _checked("judges", judges, network),
        rejecting_class(network, reject),
        source,
    )
    # What is wrong is told before anything is asked; what the checks find can only make it cost less.
    most = len(names) if enough_for_detectors(audited.clean) else 0
    if most:
        sklearn_metrics()
    divide_budget(config.budget, gradients=audited.gradients, detectors=most)
    if may_be_training_data(audited):
        logger.warning("images: %s", LEARNT_FROM)
    return _found(audited, config, folder, command, say)


def _found(audited: Audited, config: AuditSettings, folder: Path, command: str, say: Say) -> dict[str, Any]:
    """Does all steps that are not done yet, and writes what they found."""
    _check_goes_on(folder, audited)
    steps = Steps(audited, folder)
    study = Study(
        STUDY,
        "Says how easily a network is fooled.",
        AuditSettings,
        functools.partial(tasks, audited),
        steps.network,
        steps.measure,
        lambda rows: "",
    )
    rows = run(study, config, folder, say=say, command=command)
    found = content(audited, config, rows, command)
    _write(folder, found, steps, rows)
    return found


def known_network(
    target: Target | Callable[..., Any] | str,
    class_names: tuple[str, ...],
    say: Say,
    image_shape: tuple[int, int, int] | None = None,
) -> Target:
    """The network of an argument, with its shape and class names.

    Args:
      target: see `audit`.
      class_names: its names of classes; none where it has its own.
      say: prints a line of progress.
      image_shape: of its images, where it does not say so itself.
    Raises:
      InputError: it is none, or its shape is not known, or there are not as many names as classes.
    """
    if isinstance(target, str):
        known = find_target(target)
        found = known.choose(known.settings()).load(say)
    else:
        found = as_target(target)
    if found.image_shape is None and image_shape is not None:
        found = as_target(found, image_shape=image_shape)
    if class_names:
        found = as_target(found, class_names=class_names)
    named = own_choice.choice_of(found).load(lambda _: None)
    check_channels(checked_shape(named.image_shape))
    return named


def _clean(images: Any, labels: Any, network: Target) -> CleanParts:
    if isinstance(images, str | Path):
        if labels is not None:
            raise InputError("labels: expected none, since the images are named by a text, got some")
        return read_images(str(images), network)
    return checked_images(images, labels, network)


def _checked(name: str, networks: Mapping[str, Target] | None, network: Target) -> dict[str, Target]:
    """Other networks, which must know as many classes."""
    if not isinstance(networks, Mapping | None):
        raise InputError(f"{name}: expected targets by name, got {type(networks).__name__}")
    found = {} if networks is None else dict(networks)
    for own, one in found.items():
        if not isinstance(one, Target):
            raise InputError(f"{name}: expected targets by name, got {type(one).__name__} as {shown(own)}")
        if len(one.class_names) != len(network.class_names):
            raise InputError(
                f"{name}: expected the {len(network.class_names):,} classes of {shown(network.name, 60)}, "
                f"got the {len(one.class_names):,} of {shown(own, 60)}"
            )
    return found


def _check_goes_on(folder: Path, audited: Audited) -> None:
    """Makes sure that an audit goes on with the images and the network that it was begun with.

    Raises:
      InputError: the images are others, or the network answers otherwise than the one before.
    """
    path, network = folder / "rows" / "check.json", audited.target
    if not path.exists():
        return
    row = read_whole(path)
    if row["images_sha256"] != audited.clean.digest:
        raise InputError(
            f"images: the audit in {shown(folder)} was begun with other images or labels; take another outdir"
        )
    if any(check["name"] == "chance" and check["passed"] is False for check in row["checks"]):
        return
    now = answers_of(examine(network, checked_shape(network.image_shape)))
    before = np.asarray(row["answers"])
    if now.shape != before.shape or np.max(np.abs(now - before)) > TOLERANCE:
        raise InputError(
            f"target: the audit in {shown(folder)} was begun with another network; take another outdir"
        )


def _write(folder: Path, found: Mapping[str, Any], steps: Steps, rows: list[Row]) -> None:
    """Writes pictures, `audit.json` and the page. All are made from the rows and the saved images."""
    (folder / "pictures").mkdir(exist_ok=True)
    chosen: dict[str, list[tuple[int, int]]] = {}
    for index, (row, place) in best_images(group_attacks(rows)).items():
        chosen.setdefault(row["task"], []).append((index, place))
    for row in rows:
        if places := chosen.get(row["task"]):
            images = steps.images_of(row)  # of large images a set fills much memory, so it is read once
            for index, place in places:
                save_png(images[place], folder / picture_of(index))
    write_json(folder / FILE, found)
    write_audit_page(folder, read_audit(folder))
