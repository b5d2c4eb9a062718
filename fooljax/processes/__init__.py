"""Several processes, usually one on each machine, that do one search: how they start, agree and end."""

from fooljax.processes.agreement import (
    after_writer,
    agree,
    any_of,
    connect,
    ended,
    file_of_writer,
    from_writer,
    gathered,
    is_alone,
    is_writer,
    part,
    reason_of,
    together,
)
from fooljax.processes.link import Lost
from fooljax.processes.starting import start_distributed

__all__ = [
    "Lost",
    "after_writer",
    "agree",
    "any_of",
    "connect",
    "ended",
    "file_of_writer",
    "from_writer",
    "gathered",
    "is_alone",
    "is_writer",
    "part",
    "reason_of",
    "start_distributed",
    "together",
]
