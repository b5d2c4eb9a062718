"""A page of results explains its tables once, and long tables are closed until the reader opens them."""

import re

import pytest

from docs import publish
from docs.page_tables import PageTables, folded
from fooljax.errors import InputError

EXPLAINED = "**Fool**: the share of images."
TABLE = "| images | fool |\n| --- | --- |\n| pixels | 1 % |"
DETAILS = f"### Details\n\nOf each run.\n\n{TABLE}"
STUDY = f"{EXPLAINED}\n\nAll images:\n\n{TABLE}\n\n{DETAILS}\n\n### Judges\n\n{TABLE}\n"


def study(name, of):
    return STUDY + (f"\nOnly of {of}.\n" if of else "")


def test_an_explanation_stands_once_on_a_page_and_heads_captions_and_tables_stay():
    tables = PageTables(study)
    assert tables("one") == STUDY
    again = tables("one", "clothes")
    assert EXPLAINED not in again
    assert "Of each run." not in again
    assert again.count(TABLE) == STUDY.count(TABLE)
    assert "All images:" in again
    assert "### Details" in again
    assert again.endswith("Only of clothes.\n")


def test_another_page_explains_its_tables_again():
    PageTables(study)("one")
    assert EXPLAINED in PageTables(study)("one")


def test_a_section_is_folded_until_the_next_head():
    assert folded(STUDY, ["Details"]) == STUDY.replace(
        DETAILS,
        f'<details markdown="1">\n<summary>Details</summary>\n\nOf each run.\n\n{TABLE}\n\n</details>',
    )
    assert folded(STUDY, ["Judges"]).endswith(f"{TABLE}\n\n</details>\n\n")


def test_a_section_that_is_not_there_cannot_be_folded():
    with pytest.raises(InputError, match="got 'Detail'"):
        folded(STUDY, ["Detail"])


def test_a_section_that_a_page_has_elsewhere_is_left_out():
    assert PageTables(study)("one", without=["Details"]) == STUDY.replace(f"{DETAILS}\n\n", "")
    with pytest.raises(InputError, match=r"without: expected the head .* got 'Detail'"):
        PageTables(study)("one", without=["Detail"])


def test_no_published_page_explains_its_tables_twice():
    """Only long paragraphs count, and the page of the paper's claims says what the paper says on purpose."""
    for path in publish.templates().values():
        paragraphs = re.split(r"\n{2,}", path.read_text("utf-8"))
        prose = [one for one in paragraphs if len(one) > 100 and re.match(r"[*\w]", one) and "\n|" not in one]
        if path.name != "paper.md":
            assert len(prose) == len(set(prose)), path.name


def test_all_tables_of_a_study_may_be_closed():
    closed = PageTables(study)("one", closed="Digits")
    assert closed == f'<details markdown="1">\n<summary>Digits</summary>\n\n{STUDY.strip()}\n\n</details>\n'
