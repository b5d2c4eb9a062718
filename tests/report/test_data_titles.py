"""A data set is named as people name it, however it was read."""

import pytest

from fooljax.report.data_titles import data_title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("idx-mnist", "MNIST"),
        ("mnist", "MNIST"),
        ("fashion-mnist", "Fashion-MNIST"),
        ("npz-cifar10", "CIFAR-10"),
        ("npz-cifar10-2000", "CIFAR-10 (2,000 images)"),
        ("cifar10-tfds", "CIFAR-10"),
        ("photographs", "photographs"),
        ("folder-photographs", "photographs"),
        ("npz-mine-12", "mine-12"),
        ("idx-", ""),
    ],
)
def test_a_data_set_is_named_as_people_name_it(name, title):
    assert data_title(name) == title
