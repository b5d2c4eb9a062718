"""Files that are whole or absent: trees of arrays, JSON, checkpoints; and reading of files of any origin."""

from fooljax.storage.cache import cache_folder
from fooljax.storage.checkpoints import Checkpoints
from fooljax.storage.files import remove_abandoned, write_bytes
from fooljax.storage.json_files import parse_json, read_json, write_json
from fooljax.storage.trees import digest_tree, load_arrays, load_tree, save_tree

__all__ = [
    "Checkpoints",
    "cache_folder",
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
