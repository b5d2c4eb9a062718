"""The page on which people name images whose origin is hidden: one HTML file that needs only a browser.

It loads nothing and sends nothing. Its only script shows one image at a time, keeps the answers in the
browser and saves them as a JSON file. What the images are is not in the page.
"""

from importlib.resources import files
from pathlib import Path

from fooljax.labelling.answers import KIND, NOTHING, SOMETHING_ELSE
from fooljax.labelling.task import LabelTask
from fooljax.report.alternative_texts import counted
from fooljax.report.pictures import picture
from fooljax.report.png import png_bytes
from fooljax.report.templates import write_html

MOST_BUTTONS = 20
"""Classes that are shown as a button each; more are a list that is searched."""
KEYS = "1234567890acdfghijkl"
"""Keys of the buttons, where the classes' names are no single characters. B, E and N have other meanings."""


def write_label_page(path: Path | str, task: LabelTask) -> None:
    """Writes the page; equal tasks give equal bytes, and the file is whole or the old one.

    Args:
      path: of the HTML file.
      task: which images are shown, in which order.
    Raises:
      FaultError: the file cannot be written.
    """
    script = files("fooljax.report").joinpath("label.js").read_text(encoding="utf-8")
    names, few = task.class_names, len(task.class_names) <= MOST_BUTTONS
    own = few and all(len(name) == 1 for name in names) and not {name.lower() for name in names} & set("ben")
    content = {
        "kind": KIND,
        "task": task.digest,
        "classes": names,
        "keys": ([name.lower() for name in names] if own else list(KEYS[: len(names)])) if few else [],
        "nothing": NOTHING,
        "somethingElse": SOMETHING_ELSE,
        "images": [
            {"name": name, "source": picture(png_bytes(image.pixels), name).source}
            for name, image in zip(task.names, task.images, strict=True)
        ],
    }
    write_html(
        path,
        "label.html",
        page={"title": "What do you see?"},
        content=content,
        count=len(task.images),
        images=counted(len(task.images), "image"),
        script=script,
        task=task,
        few=few,
    )
