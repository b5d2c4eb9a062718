"""Tables as data frames of pandas, which is imported when it is used, and as files of CSV or Parquet."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fooljax.importing import import_extra
from fooljax.storage.csv_files import csv_text

if TYPE_CHECKING:
    import pandas


def data_frame(columns: Mapping[str, Any]) -> "pandas.DataFrame":
    """A data frame of columns that are as long as each other.

    Raises:
      FaultError: pandas is not installed.
    """
    frame: pandas.DataFrame = _package("pandas").DataFrame(dict(columns))
    return frame


def _package(name: str) -> Any:
    return import_extra("frames", name, f"the package {name}", "frames")


def flat_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns of rows: an entry of an entry becomes a column `entry.part`, and what a row lacks is None.

    A column in which texts stand beside other values has texts only, since a file of Parquet holds values of
    one kind in a column.
    """
    flat = [dict(_flat(row)) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    columns = {name: [row.get(name) for row in flat] for name in names}
    for name, values in columns.items():
        texts = [isinstance(value, str) for value in values if value is not None]
        if any(texts) and not all(texts):
            columns[name] = [None if value is None else str(value) for value in values]
    return columns


def _flat(row: Mapping[str, Any], begin: str = "") -> Any:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{begin}{name}.")
        else:
            yield f"{begin}{name}", value


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as the content of a CSV file: lists are written as JSON, and what a row lacks is an empty cell."""
    columns = flat_columns(rows)
    cells = zip(*([_cell(value) for value in column] for column in columns.values()), strict=True)
    return csv_text([list(columns), *cells]).encode()


def as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as the content of a Parquet file.

    Raises:
      FaultError: pandas or pyarrow is not installed.
    """
    frame, stream = data_frame(flat_columns(rows)), io.BytesIO()
    _package("pyarrow")
    frame.to_parquet(stream, engine="pyarrow", index=False)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else json.dumps(value)
