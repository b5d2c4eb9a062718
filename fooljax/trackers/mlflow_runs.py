"""MLflow: a run of an experiment for each search.

When a search is gone on with, the run of the same name whose generation 0 is the same goes on, and each
number is sent once.
"""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from fooljax.importing import import_extra
from fooljax.trackers.tracker import Row, Sink, Tracker, is_same

MOST = 1000
"""Numbers that MLflow takes at once."""
FORBIDDEN = re.compile(r"[^\w\-. /]")
"""Characters that no name of a metric may have."""
UNQUOTABLE = re.compile(r"['\"\\]")
"""Characters that MLflow's filters cannot have in a text, since they know no escapes; `_` is any one."""


def mlflow(experiment: str, run: str = "fooljax", *, tracking_uri: str | None = None) -> Tracker:
    """Sends the metrics of a search to MLflow.

    Args:
      experiment: name of the experiment; it is made where there is none.
      run: name of the run in it.
      tracking_uri: of the server or the database; that of MLflow's own settings where None.
    Returns:
      An `on_chunk` for `fooljax.evolve`.
    Raises:
      FaultError: the package mlflow is not installed.
    """
    library = import_extra("mlflow", "mlflow", "the package mlflow", "mlflow")
    return _Runs(experiment, run, tracking_uri, library)


class _Runs(Tracker):
    def __init__(self, experiment: str, run: str, tracking_uri: str | None, library: Any) -> None:
        super().__init__("mlflow")
        self._experiment, self._run = experiment, run
        self._tracking_uri = tracking_uri
        self._library = library

    def open(self, first: Mapping[str, float]) -> Sink:
        client = self._library.MlflowClient(tracking_uri=self._tracking_uri)
        found = client.get_experiment_by_name(self._experiment)
        number = client.create_experiment(self._experiment) if found is None else found.experiment_id
        first = {_name(name): value for name, value in first.items()}
        alike = f"attributes.run_name LIKE '{UNQUOTABLE.sub('_', self._run)}'"
        for run in client.search_runs([number], filter_string=alike):
            if run.info.run_name == self._run and is_same(_begun(client, run, first), first):
                client.update_run(run.info.run_id, status="RUNNING")
                return _Metrics(self._library.entities.Metric, client, run)
        return _Metrics(self._library.entities.Metric, client, client.create_run(number, run_name=self._run))


class _Metrics:
    def __init__(self, metric: Any, client: Any, run: Any) -> None:
        self._metric, self._client, self._id = metric, client, run.info.run_id
        self._last = {
            name: max(one.step for one in client.get_metric_history(self._id, name))
            for name in run.data.metrics
        }

    def write(self, rows: Iterable[Row]) -> None:
        now = int(1000 * time.time())
        numbers = []
        for step, metrics in rows:
            for name, value in metrics.items():
                name = _name(name)
                if step > self._last.get(name, -1):
                    numbers.append(self._metric(name, value, now, step))
                    self._last[name] = step
        for first in range(0, len(numbers), MOST):
            self._client.log_batch(self._id, metrics=numbers[first : first + MOST])

    def close(self) -> None:
        self._client.set_terminated(self._id)


def _begun(client: Any, run: Any, first: Mapping[str, float]) -> dict[str, float]:
    """What a run says of generation 0."""
    names = first.keys() & run.data.metrics.keys()
    history = [one for name in sorted(names)[:3] for one in client.get_metric_history(run.info.run_id, name)]
    return {one.key: one.value for one in history if one.step == 0}


def _name(metric: str) -> str:
    return FORBIDDEN.sub("_", metric)
