"""A class is meant by its number or by its name."""

from types import SimpleNamespace

import pytest

from fooljax.cli.cells import find_class
from fooljax.errors import InputError

NAMES = ("slot machine", "Washing  Machine", "crane", "Crane", "vending machine", "goldfish", "7")
RECORD = SimpleNamespace(class_names=NAMES, cells=(0, 1, 2, 3, 5, 6), path="RUN")


@pytest.mark.parametrize(
    ("text", "index"),
    [("5", 5), ("goldfish", 5), ("GoldFish", 5), ("washing machine", 1), (" slot  machine ", 0), ("7", 7)],
)
def test_a_number_or_a_name(text, index):
    assert find_class(RECORD, text) == index


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crane", r"^cell: expected one class, got crane, the name of the classes 2 and 3; give its number$"),
        ("machine", r"got machine; nearest: slot machine \(0\), Washing +Machine \(1\)"),
        ("godlfish", r"got godlfish; nearest: goldfish \(5\)"),
        ("vending machine", r"got vending machine; nearest: "),
        ("", r"^cell: expected a class of RUN, got $"),
        ("\x1b[2J", r"got \\x1b\[2J"),
    ],
)
def test_a_name_of_none_or_of_several(text, message):
    with pytest.raises(InputError, match=message) as told:
        find_class(RECORD, text)
    assert "\n" not in str(told.value)
