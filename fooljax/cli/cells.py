"""Which class of a run a user means: by its number, as in the names of files, or by its name."""

from typing import Any

from fooljax.runs.record import RunRecord
from fooljax.settings import REQUIRED, option
from fooljax.targets.class_named import class_index


def cell_option() -> Any:
    """The setting that says which class is meant."""
    text = 'The class whose image to draw: its number, as in names of files, or its name, as "goldfish".'
    return option(REQUIRED, text, kind=str)


def find_class(record: RunRecord, text: str) -> int:
    """The index of a class of a run.

    Args:
      record: the run.
      text: its number from 0, or its name, in which capitals do not matter.
    Raises:
      InputError: no class of the run has this name, or several have.
    """
    names = {index: record.class_names[index] for index in record.cells}
    return class_index(text, names, argument="cell", whose=str(record.path))
