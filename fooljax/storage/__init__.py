"""Files that are whole or absent: trees of arrays, JSON, checkpoints; and reading of files of any origin."""

from fooljax.storage.trees import (
    Checkpoints,
    digest_tree,
    load_arrays,
    load_tree,
    parse_json,
    read_json,
    remove_abandoned,
    save_tree,
    write_bytes,
    write_json,
)

__all__ = [
    "Checkpoints",
    "digest_tree",
    "load_arrays",
    "load_tree",
    "parse_json",
    "read_json",
    "remove_abandoned",
    "save_tree",
    "write_bytes",
    "write_json",
]
