"""For WebDataset: tar files of samples, each a picture, its label, its row and its genome.

The files of a sample have one name and different endings. No file tells an owner or a date, and samples are
in the order of their names, so equal data sets have equal bytes.

Source: the format as the package webdataset 1.0 reads it.
"""

import io
import json
import tarfile
from pathlib import Path

from fooljax.exports.examples import Example
from fooljax.exports.fooling_set import FoolingSet
from fooljax.exports.table import row_of

SAMPLES = 1000
"""Of one tar file, at most."""
READING = """\
```python
import webdataset

images = webdataset.WebDataset("{name}/{shards}", shardshuffle=False).decode("pil")
for sample in images.to_tuple("png", "cls", "json"):
    picture, label, row = sample
```

A sample has the picture as `png`, the index of its class as `cls`, its row as `json` and, where its encoding
writes one, its genome as `genome.json`."""


def write(folder: Path, dataset: FoolingSet) -> str:
    """Writes the tar files.

    Args:
      folder: of the data set, which is there and empty.
      dataset: what to write.
    Returns:
      How the data set is read, in Markdown.
    Raises:
      InputError: a picture or a genome of a run is missing or damaged.
    """
    examples = sorted(dataset.examples, key=lambda one: one.name)
    shards = range(0, len(examples), SAMPLES)
    for number, first in enumerate(shards):
        with tarfile.open(folder / f"{dataset.name}-{number:06d}.tar", "w") as tar:
            for example in examples[first : first + SAMPLES]:
                for ending, content in _sample(example).items():
                    member = tarfile.TarInfo(f"{example.name}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    last = len(shards) - 1
    several = f"{dataset.name}-{{000000..{last:06d}}}.tar" if last else f"{dataset.name}-000000.tar"
    return READING.format(name=dataset.name, shards=several)


def _sample(example: Example) -> dict[str, bytes]:
    """The files of a sample by their endings, in the order of the alphabet."""
    genome = example.genome_bytes()
    named = None if genome is None else f"{example.name}.genome.json"
    row = row_of(example, f"{example.name}.png", named)
    return {
        "cls": str(example.label).encode(),
        **({} if genome is None else {"genome.json": genome}),
        "json": json.dumps(row, ensure_ascii=False).encode(),
        "png": example.picture_bytes(),
    }
