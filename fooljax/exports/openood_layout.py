"""For OpenOOD: its folders of images, its lists of images, and a configuration that adds the data set.

A list has a line for each image: its path and its label, which is -1 for images that belong to no class. The
configuration is given after OpenOOD's own of the same benchmark, and takes the place of its far data sets.

Source: `openood/datasets/imglist_dataset.py`, `configs/datasets` and `openood/evaluation_api/datasets.py` of
OpenOOD, version 1.5.
"""

from pathlib import Path

from fooljax.data.cifar10 import CLASS_NAMES as CIFAR10
from fooljax.exports.fooling_set import FoolingSet, write_files
from fooljax.runs.elites import slug
from fooljax.storage.data_frames import as_csv

IMAGENET_CLASSES = 1000
CONFIGURED, EVALUATED = ("mnist", "cifar10", "imagenet"), ("cifar10", "imagenet")
"""Benchmarks that OpenOOD has configurations of, and those that its interface of version 1.5 evaluates."""
NO_BENCHMARK = """\
OpenOOD has no benchmark of the classes of these networks. The list below is in its format, and the
configuration is one for a benchmark of your own that is named {known}."""
BY_CONFIGURATION = """\
Copy the folders `data` and `configs` into the folder of OpenOOD. Name the configuration after OpenOOD's own,
whose far data sets it replaces by this one:

```sh
python main.py --config configs/datasets/{known}/{known}.yml \\
    configs/datasets/{known}/{known}_ood.yml {config} ...
```"""
BY_INTERFACE = """\
With the interface of version 1.5, add the data set to the benchmark before the evaluation:

```python
from openood.evaluation_api.datasets import DATA_INFO

far = DATA_INFO["{known}"]["ood"]["far"]
far["datasets"].append("{name}")
far["{name}"] = {{"data_dir": "{data}/", "imglist_path": "{listed}"}}
```"""
BY_PYTORCH_OOD = """\
The list can also be read by pytorch-ood, in the folder of the data set:

```python
from pytorch_ood.dataset.img.imagelist import ImageListDataset

images = ImageListDataset("data/{data}", "data/{listed}")
```

Every label in the list is -1, which means that an image belongs to no class. The class that it was made for
is in `metadata.csv`."""


def benchmark_of(dataset: FoolingSet) -> str:
    """OpenOOD's name of the benchmark with the networks' classes; that of a network where it has none."""
    if dataset.class_names == tuple(map(str, range(10))):
        return "mnist"
    if dataset.class_names == CIFAR10:
        return "cifar10"
    if len(dataset.class_names) == IMAGENET_CLASSES:
        return "imagenet"
    return slug(dataset.sources[0].network)


def write(folder: Path, dataset: FoolingSet) -> str:
    """Writes the pictures, the list, the configuration and the table.

    Args:
      folder: of the data set, which is there and empty.
      dataset: what to write.
    Returns:
      How the data set is read, in Markdown.
    Raises:
      InputError: a picture or a genome of a run is missing or damaged.
    """
    name, known = dataset.name, benchmark_of(dataset)
    data = "images_largescale" if known == "imagenet" else "images_classic"
    listed, config = (
        f"benchmark_imglist/{known}/test_{name}.txt",
        f"configs/datasets/{known}/{known}_{name}.yml",
    )
    rows = write_files(folder, dataset, lambda one: f"data/{data}/{name}/{one.name}.png")
    (folder / "metadata.csv").write_bytes(as_csv(rows))
    lines = {
        f"data/{listed}": "".join(f"{name}/{one.name}.png -1\n" for one in dataset.examples),
        config: (
            "ood_dataset:\n"
            "  farood:\n"
            f"    datasets: [{name}]\n"
            f"    {name}:\n"
            f"      data_dir: ./data/{data}/\n"
            f"      imglist_pth: ./data/{listed}\n"
        ),
    }
    for file, text in lines.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(text.encode())
    ways = [
        BY_CONFIGURATION if known in CONFIGURED else NO_BENCHMARK,
        *([BY_INTERFACE] if known in EVALUATED else []),
        BY_PYTORCH_OOD,
    ]
    return "\n\n".join(ways).format(known=known, config=config, name=name, data=data, listed=listed)
