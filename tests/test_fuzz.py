"""The short form of `tests/fuzz.py`: every reader, some damaged files of each."""

import pytest
from fuzz import campaign
from readers import READERS

CASES = 20


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, name):
    cases = campaign(name, tmp_path, range(CASES), seed=0)
    assert not [f"{case}: {case.fault}" for case in cases if case.fault]
