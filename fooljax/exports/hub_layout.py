"""For the Hugging Face hub: a folder of images with `metadata.jsonl`, as the package datasets reads it.

Source: the builder `imagefolder` of datasets 5.
"""

from pathlib import Path

from fooljax.exports.fooling_set import FoolingSet, write_files
from fooljax.exports.table import as_lines

SPLIT = "test"
"""The name of the only split: such images are for measuring, and the hub reads the name from the folder."""
FRONT_MATTER = (
    *("configs:", "- config_name: default", "  data_files:"),
    *(f"  - split: {SPLIT}", f"    path: {SPLIT}/**"),
)
"""Lines of YAML for the card, which tell the hub where the split lies."""
READING = """\
```python
import datasets

images = datasets.load_dataset("imagefolder", data_dir="{name}", split="test")
images[0]["image"], images[0]["class_name"], images[0]["log_odds"]
```

On the hub, `load_dataset("you/{name}")` does the same."""


def write(folder: Path, dataset: FoolingSet) -> str:
    """Writes the pictures and `metadata.jsonl`.

    Args:
      folder: of the data set, which is there and empty.
      dataset: what to write.
    Returns:
      How the data set is read, in Markdown.
    Raises:
      InputError: a picture or a genome of a run is missing or damaged.
    """
    rows = write_files(folder, dataset, lambda one: f"{SPLIT}/{one.name}.png", beside=SPLIT)
    (folder / SPLIT / "metadata.jsonl").write_bytes(as_lines(rows))
    return READING.format(name=dataset.name)
