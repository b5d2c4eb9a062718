"""The experiment on runs that differ, and its tables of made rows with known answers."""

import base64
import dataclasses

import numpy as np
import pytest

from experiments.run_diversity import SIZES, STUDY, Config
from fooljax import study
from fooljax.errors import InputError
from fooljax.report.run_diversity import figures, findings, tables
from fooljax.study.images import sheet_of


def spaces(same_class, same_run, apart, closer):
    one = {"same_class": same_class, "same_run": same_run, "apart": apart}
    one |= {"closer": closer, "closer_apart": closer}
    return {"pixels": one, "features": one}


def rows():
    """Three networks. Clean images show their class; evolved ones less; noise not at all."""
    found = []
    for number in range(3):
        network = {"network": f"lenet-{number}", "runs": 5}
        found.append({**network, "images": "clean", "clean_data": "made", **spaces(1.0, 2.0, 2.0, 0.9)})
        shares = {"shares": [{kind: {"0.999": 1.0, "0.9999": 1.0} for kind in ("raw", "scaled")}] * 5}
        evolved = {**network, "images": "cppn", **shares, **spaces(2.0, 3.0, 4.0, 0.6)}
        evolved |= {"shared": [0.1, 0.3], "shared_distance": [0.5, None], "shared_related": [None, None]}
        noise = {**network, "images": "uniform_noise", **shares, **spaces(4.0, 4.0, 4.0, 0.5)}
        found += [evolved, noise]
    return found


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def lines(begin):
    text = tables(rows()).splitlines()
    return [cells(line) for line in text if line.startswith(f"| {begin}")]


def test_distances_are_in_units_of_clean_images_of_two_classes():
    pixels, features, *_ = lines("clean images")
    assert pixels == features
    assert pixels[1:4] == ["0.50 [0.50, 0.50]", "-", "1.00 [1.00, 1.00]"]
    evolved = lines("evolved images drawn")[0]
    assert evolved[1:4] == ["1.00 [1.00, 1.00]", "1.50 [1.50, 1.50]", "2.00 [2.00, 2.00]"]


def test_an_interval_of_distances_does_not_go_below_zero():
    made = rows()
    made[1] |= spaces(40.0, 40.0, 40.0, 0.6)  # the evolved images of one network lie far apart
    (line, *_) = [line for line in tables(made).splitlines() if line.startswith("| evolved images drawn")]
    assert cells(line)[1].startswith("7.33 [0.00, ")
    assert findings(made)["cppn_pixels_distance"].value.low == 0.0


def test_what_shows_its_class_less_than_clean_images_do_is_told_with_its_size():
    *_, closer, less = lines("evolved images drawn")[0]
    assert closer == "0.60 [0.60, 0.60]"
    assert less == "-0.30 [-0.30, -0.30]"


def test_ancestors_are_told_of_evolved_images_alone():
    ancestors = lines("evolved images drawn")[2]
    assert ancestors[1].startswith("0.20 [0.2")
    assert ancestors[2].startswith("0.50 [0.")
    assert ancestors[3] == "-"
    assert len(lines("uniform noise")) == 3  # pixels, features, thresholds


def test_findings_are_the_numbers_of_the_tables():
    found = findings(rows())
    assert found["cppn_pixels"].value == pytest.approx((0.6, 0.6, 0.6))
    assert found["cppn_features_less"].value.high < 0
    assert found["cppn_share_999"].value.estimate == 1
    assert found["cppn_share_999"].value.low > 0.3  # of fifteen runs on three networks
    assert found["cppn_pixels_distance"].value == pytest.approx((2, 2, 2))
    assert "cppn_related" not in found
    assert "clean_pixels" not in found


def test_trees_are_drawn_where_elites_have_ancestors_in_common():
    sheet = base64.b64encode(sheet_of(np.zeros((4, 6, 6, 1), np.uint8))).decode()
    clean, drawn, *_ = rows()
    drawn |= {"sheet": sheet, "sheet_shape": [2, 2, 6, 6, 1], "log_odds": [[1.0, 2.0], [3.0, 4.0]]}
    related, strangers = [[5, 1], [7, 5, 1]], [[5, 1], [7, 2]]
    made = figures([clean, {**drawn, "lines": [strangers, related]}])
    assert made["ancestors-cppn.png"].startswith(b"\x89PNG")
    assert "ancestors-cppn.png" not in figures([clean, {**drawn, "lines": [strangers, strangers]}])
    assert "ancestors-cppn.png" not in figures([clean, drawn])


def test_a_kind_of_image_that_there_is_not_is_named():
    with pytest.raises(InputError, match=r"^--generators: expected some of direct, .*, got cppn,wavelets"):
        list(STUDY.tasks(Config(generators="cppn,wavelets"), []))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"networks": "lenet-0,lenet-0"},
            r"^--networks: expected different names with commas between, got lenet-0",
        ),
        ({"networks": ""}, r"^--networks: expected different names"),
        ({"networks": "lenet-0"}, r"^--judge: expected another network than lenet-0, or two in --networks"),
        ({"judge": "lenet-3"}, r"^--judge: expected another network than lenet-3"),
        ({"generators": ""}, r"^--generators: expected some of"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, line):
    with pytest.raises(InputError, match=line):
        list(STUDY.tasks(Config(**settings), []))


def test_sizes_name_settings():
    names = {field.name for field in dataclasses.fields(Config)}
    assert all(set(size) <= names for size in SIZES.values())


@pytest.mark.slow
def test_noise_shows_no_class_and_clean_digits_do(tmp_path):
    config = Config(networks="lenet-0", judge="lenet-1", runs=2, passes=2000, generators="cppn,uniform_noise")
    found = {row["images"]: row for row in study.run(STUDY, config, tmp_path / "study")}
    assert found["clean"]["pixels"]["closer_apart"] > 0.65
    assert found["clean"]["features"]["closer_apart"] > 0.8
    assert found["uniform_noise"]["features"]["closer"] == pytest.approx(0.5, abs=0.2)
    assert found["uniform_noise"]["shares"][0]["raw"]["0.9999"] < 0.2
    assert found["cppn"]["shares"][0]["raw"]["0.9"] > 0.5
    assert all(0 <= share <= 1 for share in found["cppn"]["shared"])
    assert [len(lines) for lines in found["cppn"]["lines"]] == [10, 10]
    assert (tmp_path / "images" / "lenet-0").is_dir()  # beside the folder of the study
    assert (tmp_path / "study" / "elites-cppn.png").exists()
