"""Photographs out of a copy of ImageNet that TensorFlow Datasets prepared as array_record.

They are those of the split validation, from which networks have not learnt. A copy has gigabytes of them, of
all sizes. So records are read one after the other, and only as long as somebody asks for the next one. As in
`prepared_copies`, no module that a copy names is imported.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fooljax.data.example_records import example, records
from fooljax.data.photographs import Packed
from fooljax.data.prepared_copies import (
    CLASS_NAMES,
    FORMAT,
    INFO,
    VERSION,
    class_names_of,
    files_of,
    formats_of,
    splits_of,
    version_of,
)
from fooljax.errors import InputError, shown
from fooljax.storage.json_files import read_json
from fooljax.storage.reading import name_of

SPLIT = "validation"


def copy_in(folder: Path) -> Path | None:
    """The copy that lies in a folder, or the newest one of the versions in it; None where there is none."""
    if (folder / INFO).exists():
        return folder
    versions = [info.parent for info in folder.glob(f"*/{INFO}") if VERSION.fullmatch(info.parent.name)]
    return max(versions, key=version_of, default=None)


def prepared_photographs(copy: Path, synsets: Sequence[str]) -> Iterator[tuple[Packed, int]]:
    """The photographs of a copy with the index of their class, in its order.

    Args:
      copy: its folder, as .../imagenet2012/5.1.0.
      synsets: of all classes. A copy may have fewer classes, which it names by their synsets.
    Returns:
      An iterator, which reads the records as it goes on.
    Raises:
      InputError: the copy has another format or other classes, or no validation photographs. Of a damaged
        record the iterator raises it.
      FaultError: from the iterator: the package array_record is missing.
    """
    facts = read_json(copy / INFO)
    if FORMAT not in (formats := formats_of(facts)):
        raise InputError(
            f"--imagefolder: expected a copy in {FORMAT} format in {name_of(copy)}, "
            f"got {shown(', '.join(sorted(formats)))}; tfds build --file_format {FORMAT} makes one"
        )
    name = facts.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
        raise InputError(f"{name_of(copy / INFO)}: expected the name of a data set, got {shown(name)}")
    places = {synset: index for index, synset in enumerate(synsets)}
    names = class_names_of(copy) or ()
    if not names or (unknown := next((one for one in names if one not in places), None)) is not None:
        found = shown(unknown) if names else "none"
        raise InputError(f"{name_of(copy / CLASS_NAMES)}: expected the synsets of classes, got {found}")
    lengths = splits_of(facts, copy).get(SPLIT)
    if lengths is None:
        raise InputError(f"--imagefolder: expected the split {SPLIT} in {name_of(copy)}, got none")
    return _read(files_of(copy, name, SPLIT, len(lengths)), lengths, [places[one] for one in names])


def _read(
    files: Sequence[Path], lengths: Sequence[int], classes: Sequence[int]
) -> Iterator[tuple[Packed, int]]:
    for path, length in zip(files, lengths, strict=True):
        for index, record in enumerate(records(path, length)):
            name = f"{name_of(path)}: record {index}"
            try:
                image, label = example(record)
            except ValueError as error:
                raise InputError(f"{name}: {shown(error)}") from error
            if not 0 <= label < len(classes):
                raise InputError(f"{name}: expected a label from 0 to {len(classes) - 1}, got {label}")
            yield Packed(bytes(image), name), classes[label]
