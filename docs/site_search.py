"""Lets the search of the site work where its pages are opened from disk, and without a network.

A browser refuses to start a worker from a file of the disk. The theme would load a substitute from a server.
Here the code of its worker is written into a script as text, from which a browser does start one. MkDocs
calls the function below when it has built the site (`hooks` in mkdocs.yml).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

SCRIPT = "assets/javascripts/instead-of-iframe-worker.js"
"""Also in mkdocs.yml. The theme adds a script of its own unless one has "iframe-worker" in its name."""


def on_post_build(config: "MkDocsConfig") -> None:
    """Writes the script."""
    site = Path(config.site_dir)
    (worker,) = (site / "assets/javascripts/workers").glob("search.*.min.js")
    (site / SCRIPT).write_text(from_disk(worker.read_text("utf-8")), "utf-8")


def from_disk(worker: str) -> str:
    """A script after which a page on disk starts its worker from text; other pages start theirs as ever."""
    code = json.dumps(worker)
    return f"""\
if (location.protocol === "file:") {{
  const code = new Blob([{code}], {{ type: "text/javascript" }});
  window.Worker = class extends Worker {{ constructor() {{ super(URL.createObjectURL(code)); }} }};
}}
"""
