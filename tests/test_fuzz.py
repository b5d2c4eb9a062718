"""The short form of `tests/fuzz.py`: every reader, some damaged files of each."""

import shutil

import pytest
from fuzz import READERS, campaign

CASES = 150


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, name, request):
    if name == "run-folder":
        shutil.copytree(request.getfixturevalue("finished"), tmp_path / "run")
    assert not [str(failure) for failure in campaign(name, tmp_path, range(CASES), seed=0)]
