"""Two audits held against each other, and many in one table: like with like, and the rest is said."""

import csv
import io

import pytest
from made_audit import attack, content

from fooljax.analysis.rates import wilson_interval
from fooljax.analysis.statistics import Interval, difference_interval
from fooljax.audits.comparing import compare
from fooljax.audits.leaderboard import rows, table
from fooljax.audits.record import Audit
from fooljax.storage.data_frames import as_csv
from fooljax.storage.typed_json import typed


def audit(**changes):
    return typed(Audit, content(**changes), "made")


def test_the_difference_of_two_shares_is_newcombe_s():
    """His example of two shares, 56 of 70 and 48 of 80, by method 10."""
    found = difference_interval(wilson_interval(56, 70), wilson_interval(48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_difference_turns_its_sign_with_the_order():
    one, other = Interval(3.0, 1.0, 4.0), Interval(2.0, 1.5, 2.25)
    middle, low, high = difference_interval(one, other)
    assert difference_interval(other, one) == pytest.approx((-middle, -high, -low))
    assert difference_interval(one, Interval(2.0, float("-inf"), float("inf"))).low == float("-inf")


def test_audits_alike_are_compared_without_a_word():
    found = compare(audit(), audit(name="other", attacks=[attack("direct", 8.0, fooled=0.5)]))
    assert found.notes == (
        "Only this audit has: evolved CPPNs, gradient ascent, evolved pixels, knowing mahalanobis, "
        "best of random pixels (control), uniform noise (control).",
    )
    by_measure = {line.measure: line for line in found.lines}
    assert by_measure["images at 99.99 %"].difference == "50.0 [40.0, 57.1] points"
    assert by_measure["median log-odds"].difference == "3.00 [0.50, 5.50]"


@pytest.mark.parametrize(
    ("changes", "note", "said"),
    [
        ({"attacks": [attack("direct", 8.0, passes=500)]}, "20,000 and 500 network passes", "other budgets"),
        ({"classes": 12}, "know 10 and 12 classes", "other images or classes"),
    ],
)
def test_what_is_not_alike_is_said_and_not_compared(changes, note, said):
    found = compare(audit(), audit(**changes))
    assert note in " ".join(found.notes)
    assert all(said in line.difference for line in found.lines if "noise" not in line.attack)


def test_levels_of_other_clean_images_are_not_compared():
    other = content()["data"] | {"described": "my photographs"}
    found = compare(audit(), audit(data=other))
    assert "MNIST, test images (10,000), and my photographs (10,000)" in found.notes[0]
    said = {line.measure: line.difference for line in found.lines}
    assert said["images as sure as 95 % of clean images"] == "not formed: other clean images"
    assert "points" in said["images at 99.99 %"]


def test_the_network_that_was_fooled_least_stands_first():
    hard = audit(name="hard", attacks=[attack("direct", 2.0, fooled=0.1)])
    text = table([audit(name="easy"), hard])
    assert text.index("| hard |") < text.index("| easy |")
    assert "not reached" in text.splitlines()[2]


def test_networks_of_one_name_are_told_apart_by_their_weights():
    network = content()["network"]
    text = table([audit(), audit(network=network | {"params_sha256": "cd" * 32})])
    assert "| digits abababab |" in text
    assert "| digits cdcdcdcd |" in text


def test_the_file_has_a_line_for_each_attack():
    written = as_csv(rows([audit(), audit(name="=1+1")])).decode()
    read = list(csv.DictReader(io.StringIO(written)))
    assert len(read) == 2 * 6
    first = next(row for row in read if row["network"] == "digits" and row["knows"] == "mahalanobis")
    assert (first["generator"], first["passes"], first["share_0.9999"]) == ("direct", "20000", "0.6")
    assert first["passes_to_0.9999"] == "3200"
    assert {row["network"] for row in read} == {"digits", "'=1+1"}
    noise = next(row for row in read if row["generator"] == "uniform_noise")
    assert noise["passes_to_0.5"] == ""


def test_an_interval_of_one_run_stays_empty_in_the_file():
    for runs, told in ((1, False), (5, True)):
        one = attack("direct", 8.0, fooled=0.5) | {"runs": runs}
        (row,) = rows([audit(attacks=[one])])
        assert row["share_0.5"] == 0.5
        assert (row["share_0.5_low"] is not None) == (row["share_0.5_high"] is not None) == told


def test_an_audit_without_labels_or_detectors_has_a_line():
    data = content()["data"] | {"accuracy": None}
    text = table([audit(data=data, detectors=[], attacks=[])])
    assert "| digits | 10 | 28 x 28 x 1 | - |  | - | - | - | - | - | - | - |" in text
