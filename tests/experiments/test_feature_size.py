"""What images keep is measured, and the size at which half is lost, or that it is beyond all sizes."""

import made_sets
import pytest

from experiments import feature_size
from fooljax import study
from fooljax.report import feature_size as report
from fooljax.study import measured_sets


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.setattr(measured_sets, "measured", made_sets.measured)
    few = "cppn,uniform_noise"
    config = feature_size.Config(networks="lenet-0,lenet-1", runs=1, draws=1, windows=2, generators=few)
    return study.run(feature_size.STUDY, config, tmp_path / "out", say=lambda line: None)


def test_every_kind_is_measured_at_every_size(rows, tmp_path):
    for row in rows:
        assert set(row["kept"]) == (set(report.KINDS) if row["counted"] else set())
        for kind, values in row["kept"].items():
            assert len(values) == len(row["sizes"][report.KINDS[kind][0]])
    assert any(row["counted"] for row in rows)
    text = (tmp_path / "out" / "table.md").read_text()
    for head in report.HEADS.values():
        assert head in text
    names = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert {"kept.png", "example-cppn.png"} <= names


def row(kind, sizes, kept):
    return {"network": "lenet-0", "kept": {kind: kept}, "sizes": {report.KINDS[kind][0]: sizes}}


def test_half_is_found_where_curves_rise_and_where_they_fall():
    assert report.half_size(row("shuffled", [1, 2, 4], [0.0, 0.5, 1.0]), "shuffled") == pytest.approx(2.0)
    assert report.half_size(row("hidden", [2, 4, 8], [0.9, 0.5, 0.1]), "hidden") == pytest.approx(4.0)
    assert report.half_size(row("hidden", [2, 4], [0.9, 0.8]), "hidden") == float("inf")
    assert report.half_size(row("high", [2, 4], [0.2, 0.1]), "high") == 0.0
    assert report.half_size(row("low", [2, 4], [0.8, 0.9]), "low") == 0.0
    assert report.half_size(row("low", [2, 4], [0.8, 0.9]), "high") is None
    # Pixels may come that speak against the class: the least share that keeps half counts.
    assert report.half_size(row("pixels", [1, 4, 50], [0.0, 0.5, 0.3]), "pixels") == pytest.approx(4.0)


def test_what_lies_beyond_all_sizes_is_said():
    beyond = [row("shuffled", [1, 2, 4], [0.0, 0.1, 0.2])] * 3
    assert report.half_size_text(beyond, "shuffled") == "> 4"
    some = [*beyond, row("shuffled", [1, 2, 4], [0.0, 0.5, 1.0])]
    assert report.half_size_text(some, "shuffled").startswith("> 4 [")
    assert report.half_size_text([row("low", [2, 4], [0.8, 0.9])] * 2, "low") == "< 2"


@pytest.mark.slow  # it evolves images by CPPNs
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert feature_size.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    assert "Where half of the log-odds is lost" in (tmp_path / "out" / "table.md").read_text()
