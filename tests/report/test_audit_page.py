"""The page of an audit: it says what the file says, shows its images, and obeys nothing that it shows."""

import re

import pytest
from made_audit import attack, content, share, write
from pages import Page, html_of, one_line

from fooljax.audits.record import read_audit
from fooljax.audits.reference_audits import reference_audits
from fooljax.cli import report
from fooljax.detectors.registry import DETECTORS, EXPLANATIONS
from fooljax.errors import InputError
from fooljax.report.audit_page import PICTURES, write_audit_page

NASTY = "</td><script>alert(1)</script>\x1b[2J"


def page(folder, compared=(), **changes):
    write(folder, **changes)
    path = write_audit_page(folder, read_audit(folder), compared)
    return html_of(path)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    return page(tmp_path_factory.mktemp("audit"))


def words(html):
    return " ".join(" ".join(Page(html).text).split())


def test_the_verdict_comes_first(html):
    told = [html.index(sentence) for sentence in content()["verdict"]]
    assert told == sorted(told)
    assert told[-1] < html.index("<h2")


def test_every_image_has_words_and_leads_to_its_file(html):
    found = Page(html)
    images = found.of("img")
    assert len(images) == 10 + 1
    assert all(one["alt"].strip() for one in images)
    assert "class 3" in images[3]["alt"]
    assert [one["href"] for one in found.of("a") if one["href"].endswith(".png")] == [
        f"pictures/{index:04d}.png" for index in range(10)
    ]


def test_the_page_says_what_the_file_says(html):
    text = words(html)
    for told in (
        "420,000 network passes",
        "Failed: batches. An image's logits depend on its batch.",
        "Not told: order of channels.",
        "4,000 for thresholds",
        "fooljax audit digits.onnx --images idx:mnist --budget 20000",
        "divided by 1.20",
        "half of them a confidence of 99.999 % or more",
        "3,200; 50 of 50",
        "Whether people recognise the images was not measured.",
    ):
        assert told in text


def test_a_detector_stands_with_what_it_catches_of_those_that_know_it(html):
    rows = re.findall(r"<tr><th[^>]*>mahalanobis</th><td>evolved pixels</td>(.*?)</tr>", html)
    cells = [[cell.split(" ")[0] for cell in re.findall(r">([^<>]+)</td>", row)] for row in rows]
    assert cells == [["95", "90.0", "10.0", "80.0"], ["99", "70.0", "10.0", "80.0"]]
    assert not re.search(r"<tr><th[^>]*>msp</th><td>evolved pixels", html)


def test_what_an_audit_holds_is_shown_and_never_obeyed(tmp_path):
    html = page(tmp_path, name=NASTY, verdict=[NASTY], command=NASTY)
    assert "<script" not in html
    assert "\x1b" not in html
    assert "default-src 'none'" in html


def test_of_many_classes_the_easiest_and_the_hardest_are_shown(tmp_path):
    html = page(tmp_path, classes=50)
    assert len(Page(html).of("img")) == PICTURES + 1
    assert "10 classes that were easiest, and then the 10 that were hardest" in words(html)
    assert "Show all 50 classes" in html
    assert 'href="pictures/0049.png"' in html
    assert 'href="pictures/0020.png"' not in html


def test_an_audit_of_little_makes_a_page(tmp_path):
    little = attack("direct", -2.0, fooled=0.0)
    little |= {"shares": {"0.9999": share(0.0)}, "log_odds": {"median": -2, "low": None, "high": None}}
    levels = {"clean_median": None, "tau95": None, "tau99": None}
    html = page(
        tmp_path,
        thresholds={"temperature": 1.0, **levels, "scaled": levels},
        data=content()["data"] | {"accuracy": None},
        attacks=[little],
        **{key: [] for key in ("detectors", "judges", "transfer", "survival")},
    )
    assert "too few clean images" in words(html)
    assert "Would a detector notice" not in html
    assert "not reached; 0 of 50" in words(html)


def test_a_temperature_at_the_edge_of_the_search_is_not_shown(tmp_path):
    levels = {"clean_median": 12.0, "tau95": 5.0, "tau99": 2.0}
    html = words(page(tmp_path, thresholds={"temperature": 0.05, **levels, "scaled": levels}))
    assert "cannot be told, since all clean images that would tell it are named rightly" in html
    assert "divided by 0.05" not in html


def test_an_image_that_is_missing_is_told_in_one_line(tmp_path):
    write(tmp_path)
    (tmp_path / "pictures/0003.png").unlink()
    with pytest.raises(InputError, match=r"pictures/0003\.png: expected a PNG file"):
        write_audit_page(tmp_path, read_audit(tmp_path))
    assert not (tmp_path / "index.html").exists()


def test_an_image_outside_of_the_folder_is_refused(tmp_path):
    write(tmp_path / "audit")
    text = (tmp_path / "audit/audit.json").read_text(encoding="utf-8")
    (tmp_path / "audit/audit.json").write_text(text.replace("pictures/0000.png", "../secret.png"))
    with pytest.raises(InputError, match="expected a relative path below the page"):
        write_audit_page(tmp_path / "audit", read_audit(tmp_path / "audit"))


def test_other_audits_stand_beside_it_and_are_held_against_it(tmp_path):
    text = words(page(tmp_path / "own", [read_audit(write(tmp_path / "mlp", name="mlp"))]))
    assert "digits (this audit)" in text
    assert "digits and mlp" in text
    for one in reference_audits():
        assert one.network.name in text
        assert f"digits and {one.network.name}" not in text
    assert "0.0 [-10.0, 10.0] points" in text


def test_equal_audits_give_equal_bytes(tmp_path, html):
    assert page(tmp_path) == html


def test_the_page_of_an_audit_is_made_again_by_fooljax_report(tmp_path, html, capsys):
    write(tmp_path)
    assert report.main([str(tmp_path)]) == 0
    assert html_of(tmp_path / "index.html") == html
    assert capsys.readouterr().out == f"{tmp_path / 'index.html'}\n"
    assert report.main([str(tmp_path), "--output", str(tmp_path / "other")]) == 2
    assert "--output: expected none, since" in one_line(capsys)
    assert report.main([str(tmp_path), "--rescore"]) == 2
    assert "RUN: expected a run for --rescore and --judges, got the audit" in one_line(capsys)
    assert not (tmp_path / "other").exists()


def test_what_each_detector_looks_at_is_said(html):
    assert set(EXPLANATIONS) == set(DETECTORS)
    for name in ("msp", "mahalanobis"):
        assert f"<li>{name}: {EXPLANATIONS[name]}.</li>" in html
