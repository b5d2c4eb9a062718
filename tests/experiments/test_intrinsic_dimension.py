"""Noise has more dimensions than digits, and made points have those they were made with."""

import pytest

from experiments import intrinsic_dimension as experiment
from fooljax import study
from fooljax.errors import InputError
from fooljax.report import intrinsic_dimension as report
from fooljax.study.generators import EXPLANATIONS
from fooljax.study.random_pictures import SOURCES


def test_dimensions_are_in_order_and_told_at_each_number_of_images(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "SOURCES", {name: SOURCES[name] for name in ("uniform_noise", "clean")})
    config = experiment.Config(few=50, many=300, draws=3, generators="none")
    rows = study.run(experiment.STUDY, config, tmp_path / "out", say=lambda line: None)
    found = {(row["source"], row["count"]): row["dimension"] for row in rows}
    told = report.findings(rows)
    assert told["known_5"].value == tuple(found["known_5", 300]["TwoNN"])
    assert told["clean"].value.estimate < told["uniform_noise"].value.estimate
    for name in ("k = 5", "k = 20", "TwoNN"):
        assert found["known_5", 300][name][0] == pytest.approx(5, rel=0.2)
        assert found["uniform_noise", 300][name][0] > 4 * found["clean", 300][name][0]
    text = (tmp_path / "out" / "table.md").read_text()
    assert "### 50 images of each source" in text
    assert "| clean test images | 300 |" in text
    assert (tmp_path / "out" / "dimensions.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_made_against_networks_can_be_chosen():
    tasks = list(experiment.tasks(experiment.Config(generators="cppn,gradient"), ()))
    against = [task.settings["source"] for task in tasks if task.networks]
    assert against == ["evolved_cppn", "evolved_gradient"]
    with pytest.raises(InputError, match=r"^--generators: expected some of cppn, .*, got noise"):
        list(experiment.tasks(experiment.Config(generators="noise"), ()))


def test_every_source_has_a_name():
    for generator in experiment.EVOLVED:
        assert report.name_of(f"evolved_{generator}") == EXPLANATIONS[generator]
    assert report.name_of("known_10") == "normal points of dimension 10 (control)"
    assert report.name_of("between") == SOURCES["between"][1]


@pytest.mark.slow  # it evolves images by CPPNs
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert experiment.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    assert "evolved images, one gene a pixel" in (tmp_path / "out" / "table.md").read_text()
