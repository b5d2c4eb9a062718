"""Names of classes in files: lines, JSON, and what exporters write."""

import pytest

from fooljax.errors import InputError
from fooljax.targets.class_names import names_in, read_class_names


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\n",
        "\ufeffcat\r\n  dog  \r\n\r\n",
        '["cat", "dog"]',
        '{"0": "cat", "1": "dog"}',
        '{"dog": 1, "cat": 0}',
        "{0: 'cat', 1: 'dog'}",
        '{"1": "dog", "0": "cat"}',
    ],
)
def test_names_in_their_order(tmp_path, text):
    (tmp_path / "names").write_text(text, encoding="utf-8")
    assert read_class_names(tmp_path / "names") == ("cat", "dog")


@pytest.mark.parametrize(
    "text", ["", "\n\n", "[1", '{"0": "cat", "2": "dog"}', "{'a': __import__('os')}", "[[1]]", "[]", "{}"]
)
def test_other_texts_are_refused(tmp_path, text):
    (tmp_path / "names.txt").write_text(text)
    with pytest.raises(
        InputError, match=r"names\.txt: expected names of classes, one a line, or a JSON list"
    ):
        read_class_names(tmp_path / "names.txt")


def test_a_name_of_several_classes_is_noted(tmp_path, caplog):
    (tmp_path / "names.txt").write_text("crane\nlorry\ncrane\n")
    assert read_class_names(tmp_path / "names.txt") == ("crane", "lorry", "crane")
    assert "names.txt: crane is the name of several classes" in caplog.text


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"names\.txt: expected names in UTF-8"):
        read_class_names(tmp_path / "names.txt")
    assert names_in("[" * 100_000) is None
