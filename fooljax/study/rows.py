"""Rows of a study: a JSON file for each task, which is whole or absent, and one file of them all."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fooljax.errors import InputError, shown
from fooljax.storage.data_frames import data_frame, flat_columns
from fooljax.storage.files import write_bytes
from fooljax.storage.json_files import MAX_JSON_BYTES, parse_json, read_json, write_json
from fooljax.storage.reading import name_of, read_regular
from fooljax.study.task import OWN, Row, digest_of

if TYPE_CHECKING:
    import pandas


def write_row(
    path: Path, facts: Mapping[str, Any], figures: Mapping[str, Any], device: str, seconds: float
) -> Row:
    """Writes the row of a task, and returns it as it will be read.

    Args:
      path: of its file.
      facts: what decides the measurements, see `fooljax.study.task.task_facts`.
      figures: what was measured. JSON-ready.
      device: where it was measured.
      seconds: of wall clock that it took. Like the device, they decide nothing: the digest leaves them out.
    Raises:
      InputError: a measurement has the name of a setting or of an entry that rows have of themselves.
      FaultError: the file cannot be written.
    """
    if taken := sorted({*OWN, *facts["settings"]} & set(figures)):
        raise InputError(f"{facts['task']}: expected measurements with names of their own, got {taken[0]}")
    row = {"task": facts["task"], **facts["settings"], **figures}
    row |= {name: facts[name] for name in ("networks", "together", "versions")}
    row |= {"device": device, "wall_seconds": round(seconds, 2), "digest": digest_of(facts)}
    row["sha256"] = digest_of(row)
    write_json(path, row)
    return row


def read_row(path: Path, facts: Mapping[str, Any]) -> Row:
    """Reads the row of a task.

    Args:
      path: of its file.
      facts: what must have decided its measurements.
    Raises:
      InputError: the file is damaged or was changed, or the row is one of other settings, of another network
        or of other versions. The message names what differs.
    """
    row = read_whole(path)
    if row.get("digest") != digest_of(facts):
        name, wanted, found = _difference(row, facts)
        raise InputError(
            f"{name_of(path)}: expected a row with {name} {shown(wanted, 80)}, found {shown(found, 80)}; "
            "take another --outdir"
        )
    return row


def read_whole(path: Path) -> Row:
    """Reads a row that is as it was written, whatever decided its measurements.

    Raises:
      InputError: the file is damaged or was changed.
    """
    go_on = "delete this file, and the same command measures it again"
    try:
        row = read_json(path)
    except InputError as error:
        raise InputError(f"{error}; {go_on}") from error
    whole = {name: value for name, value in row.items() if name != "sha256"}
    if row.get("sha256") != digest_of(whole):
        raise InputError(
            f"{name_of(path)}: expected a row of a study, found one that is damaged or was changed; {go_on}"
        )
    return row


def _difference(row: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """The first entry in which a row is not of these facts: its name, what was expected, what was found."""
    pairs = {name: (value, row.get(name)) for name, value in facts["settings"].items()}
    for name in ("versions", "networks"):
        found = row.get(name)
        for part in {**facts[name], **(found if isinstance(found, dict) else {})}:
            pairs[f"{name[:-1]} {part}"] = (
                facts[name].get(part),
                found.get(part) if isinstance(found, dict) else found,
            )
    for name in ("task", "together"):
        pairs[name] = (facts[name], row.get(name))
    different = ((name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])
    return next(different, ("digest", digest_of(facts), row.get("digest")))


def rows_text(rows: Iterable[Row]) -> str:
    """Rows as the content of a `rows.jsonl`: a line of JSON for each."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes a `rows.jsonl`.

    Raises:
      FaultError: it cannot be written.
    """
    write_bytes(path, rows_text(rows).encode())


def rows_to_pandas(rows: Sequence[Row]) -> "pandas.DataFrame":
    """Rows as a data frame: a column for each entry, and `entry.part` for the parts of an entry.

    Args:
      rows: of a study, as `read_rows` gives them.
    Returns:
      The rows in their order. What a row lacks is missing there too, and lists stay lists. A column in which
      texts stand beside other values has texts only.
    Raises:
      FaultError: pandas is not installed.
    """
    return data_frame(flat_columns(rows))


def read_rows(path: Path) -> list[Row]:
    """Reads a `rows.jsonl`.

    Args:
      path: of the file.
    Returns:
      The rows, in the order of the file.
    Raises:
      InputError: the file is missing, or a line of it is not an object of JSON.
    """
    rows: list[Row] = []
    for number, line in enumerate(read_regular(path, MAX_JSON_BYTES).splitlines(), start=1):
        try:
            row = parse_json(line)
        except ValueError as error:
            raise InputError(
                f"{name_of(path)}, line {number}: expected JSON, found {shown(error)}"
            ) from error
        if not isinstance(row, dict):
            raise InputError(f"{name_of(path)}, line {number}: expected a JSON object, found another value")
        rows.append(row)
    return rows
