"""The examples of the guide run as printed, where their framework is installed."""

import os
import re
from pathlib import Path

import pytest
from written_pages import SMALL, blocks

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "foreign-networks.md"
EXAMPLES = {
    re.search(r"import (torch|keras|equinox|haiku)\b", block.text)[1]: block.text
    for block in blocks(GUIDE)
    if block.language == "python" and block.not_run
}


@pytest.mark.parametrize("framework", ["torch", "keras", "equinox", "haiku"])
def test_an_example_runs_as_printed(framework, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "jax"))
    pytest.importorskip(framework)
    code = EXAMPLES[framework]
    for pattern, small in SMALL:
        code = re.sub(pattern, small, code)
    names = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    assert names["result"].images.shape == (1, 10, 28, 28, 1)
