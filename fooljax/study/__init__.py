"""Many searches, and the tables made of them: tasks, a row for each, resume, tables with intervals."""

from fooljax.study.rows import read_rows
from fooljax.study.study import Study, Workspace, run
from fooljax.study.tables import UNIT, alike, by_network, markdown
from fooljax.study.task import Row, Task

__all__ = ["UNIT", "Row", "Study", "Task", "Workspace", "alike", "by_network", "markdown", "read_rows", "run"]
