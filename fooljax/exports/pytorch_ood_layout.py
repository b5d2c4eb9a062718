"""For pytorch-ood: the folders that its loader of the paper's own fooling images reads.

Its class `FoolingImages` knows the archive of the paper's authors, ten runs of 1,000 images, by the name and
checksum of their download. A subclass of three lines says what stands here instead.

Source: `pytorch_ood.dataset.img.FoolingImages`, version 0.4.
"""

import hashlib
from pathlib import Path

from fooljax.exports.fooling_set import FoolingSet, write_files
from fooljax.storage.data_frames import as_csv

BASE, RUN, INNER = "10-runs-x-1000-cppns", "run_{}", "map_gen_5000"
"""The folders of the paper's archive, by the names that the loader looks for."""
TABLE = "metadata.csv"
READING = """\
```python
from pytorch_ood.dataset.img import FoolingImages


class Evolved(FoolingImages):
    filename, md5hash = "{table}", "{digest}"
    dirs = [f"run_{{number}}" for number in range({runs})]


images = Evolved(root="{name}")
```

The class is that of pytorch-ood for the fooling images of Nguyen, Yosinski and Clune. The three lines tell it
that the checksum is that of `{table}`, and how many runs there are. Every label is -1, which is pytorch-ood's
word for out of distribution. The class that an image was made for is in `{table}`."""


def write(folder: Path, dataset: FoolingSet) -> str:
    """Writes the pictures and the table.

    Args:
      folder: of the data set, which is there and empty.
      dataset: what to write.
    Returns:
      How the data set is read, in Markdown.
    Raises:
      InputError: a picture or a genome of a run is missing or damaged.
    """
    runs = list(dict.fromkeys((one.source, one.method, one.run) for one in dataset.examples))
    numbers = {run: RUN.format(number) for number, run in enumerate(runs)}
    rows = write_files(
        folder,
        dataset,
        lambda one: f"{BASE}/{numbers[one.source, one.method, one.run]}/{INNER}/{one.name}.png",
    )
    (folder / TABLE).write_bytes(content := as_csv(rows))
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return READING.format(table=TABLE, digest=digest, runs=len(runs), name=dataset.name)
