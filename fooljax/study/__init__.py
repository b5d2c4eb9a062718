"""Many searches, and the tables made of them: tasks, a row for each, resume, tables with intervals."""

from fooljax.study.image_sets import ImageSet, ImageSets, ImageSettings, SetSpec
from fooljax.study.rows import read_rows, rows_to_pandas
from fooljax.study.running import run
from fooljax.study.searches import PASSES_UNIT, passes_cells, search_side_by_side
from fooljax.study.study import Study, Workspace
from fooljax.study.tables import UNIT, group_by, markdown, values_by_network
from fooljax.study.task import Row, Task

__all__ = [
    "PASSES_UNIT",
    "UNIT",
    "ImageSet",
    "ImageSets",
    "ImageSettings",
    "Row",
    "SetSpec",
    "Study",
    "Task",
    "Workspace",
    "group_by",
    "markdown",
    "passes_cells",
    "read_rows",
    "rows_to_pandas",
    "run",
    "search_side_by_side",
    "values_by_network",
]
