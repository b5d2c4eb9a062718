"""The short form of `tests/fuzz.py`: every reader, some damaged files of each."""

import shutil

import pytest
from fuzz import campaign
from readers import READERS

CASES = 100


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, name, request):
    if name == "run-folder":
        shutil.copytree(request.getfixturevalue("finished"), tmp_path / "run")
    faults = [
        f"{case}: {case.fault}" for case in campaign(name, tmp_path, range(CASES), seed=0) if case.fault
    ]
    assert not faults
