"""A page of every kind, with little computation: of made-up content, or as the documentation keeps it."""

from pathlib import Path

import numpy as np
from made_audit import write

from experiments.paper import CHAPTERS, PUBLISHED, answers_from
from fooljax.audits.record import read_audit
from fooljax.labelling.images import Asked
from fooljax.labelling.task import LabelTask
from fooljax.report import ClassImage, Elite, FooledAt, Number, RunPage, png_bytes, save_png, write_classes
from fooljax.report.ascent_html import AscentPage, MethodSection, write_ascent_html
from fooljax.report.audit_page import write_audit_page
from fooljax.report.claims_page import write_claims_page
from fooljax.report.label_page import write_label_page
from fooljax.report.run_page import write_run_page

RESULTS = Path(__file__).parents[2] / "docs/results"
KEPT = {
    f"{path.parent.name}/{path.stem}": path
    for folder in ("artists", "audits")
    for path in sorted((RESULTS / folder).glob("*.html"))
}
"""The pages that the site keeps."""
FIGURE = png_bytes(np.full((300, 1400, 3), 200, np.uint8))
NUMBERS = [Number("Classes fooled", "3 of 4", "Some image reached 99.99 % for each of these.")]
SETTINGS = {"Search": {"generations": "10", "network": "a name that is somewhat longer than its column"}}


def elite(run, cell):
    png = png_bytes(np.full((8, 8), 30 * cell, np.uint8))
    return Elite(run, cell, f"a class with a long name {cell}", 10.0, png, f"elites/{run}_{cell}.png")


def run(path):
    elites = [elite(run, cell) for run in range(2) for cell in range(4)]
    page = RunPage(
        title="A run",
        introduction=["Images were evolved.", "This is how."],
        gallery_png=FIGURE,
        gallery_alt="Grid of evolved images, 2 runs by 4 classes.",
        curves_png=FIGURE,
        numbers=NUMBERS,
        fooled_at=[FooledAt(0, 10, None), FooledAt(1, 1020, 2000)],
        elites=elites,
        notes=["One network was fooled."],
        settings=SETTINGS,
        command="fooljax evolve --target lenet --encoding direct --outdir a-folder-of-ones-own",
        shows_first=True,
    )
    write_run_page(path, page)


def ascent(path):
    columns = ("Iterations", "99.99 % or more", "Median", "Lowest", "Network passes")
    method = MethodSection(
        "adam", "Adam on the log-odds.", ("100", "9", "99 %", "9 %", "100"), FIGURE, "Images of adam."
    )
    page = AscentPage(
        title="An ascent",
        introduction=["Images were changed step by step."],
        gallery_png=FIGURE,
        gallery_alt="Grid of images, one row for each method.",
        gallery_caption="One column for each class.",
        columns=columns,
        table_caption="10 images for each method",
        methods=[method],
        curves_png=FIGURE,
        curves_alt="Line chart of log-odds over iterations.",
        curves_caption="Log-odds over iterations.",
        numbers=NUMBERS,
        notes=["One network was used."],
        settings=SETTINGS,
        command="fooljax ascend --target lenet",
    )
    write_ascent_html(path, page)


def classes(path):
    (path.parent / "elites").mkdir(parents=True)
    rng = np.random.default_rng(0)
    entries = []
    for index in range(60):
        file = f"elites/{index}.png"
        save_png(rng.integers(0, 256, (24, 24, 3), np.uint8), path.parent / file)
        entries.append(ClassImage(0, index, f"a class with a long name {index}", "birds", 1.0, file))
    write_classes(path, "A network", "index.html", entries)


def label(path, names=tuple("0123456789")):
    image = Asked(np.zeros((8, 8, 1), np.uint8), "noise", "noise", 0, None, None)
    write_label_page(path, LabelTask((image,) * 3, names, ("",) * len(names), 0))


def label_of_many_names(path):
    label(path, tuple(f"a thing with a long name {index}" for index in range(1000)))


def claims(path, folder=PUBLISHED):
    write_claims_page(path, answers_from([folder]), CHAPTERS, ["tables/table.md"])


def claims_that_were_not_measured(path):
    claims(path, path.parent)


def audit(path, classes=50):
    folder = path.parent
    other = read_audit(write(folder.with_name("other"), name="another network with a long name"))
    write_audit_page(folder, read_audit(write(folder, classes=classes)), [other])


def audit_of_many_classes(path):
    audit(path, classes=1000)


MADE = {
    one.__name__: one
    for one in (
        *(run, ascent, classes, label, label_of_many_names, claims, claims_that_were_not_measured),
        *(audit, audit_of_many_classes),
    )
}
"""What makes each kind of page, at the path that it is given."""
