"""The experiment on hard classes at toy size, and its tables of made rows with known answers."""

import dataclasses

import numpy as np
import pytest

from experiments.class_difficulty import SIZES, STUDY, Config
from fooljax import study
from fooljax.data.imagenet import GROUPS
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.report.class_difficulty import figures, findings, tables
from fooljax.runs.folder import MARK
from fooljax.study.generators import EXPLANATIONS


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fooljax.study.class_answers.RANDOM_IMAGES", 32)
        config = Config(networks=1, seeds=2, passes=600, families="direct,random", archives=None)
        return study.run(STUDY, config, tmp_path_factory.mktemp("study"))


@pytest.mark.slow
def test_a_class_has_passes_if_its_saved_image_is_fooled_and_no_others(rows):
    searches = [row for row in rows if row["kind"] == "search"]
    assert len(searches) == 2 * 2
    for row in searches:
        assert len(row["log_odds"]) == len(row["passes"]) == 10
        for odds, passes in zip(row["log_odds"], row["passes"], strict=True):
            assert (passes is not None) == (odds >= FOOLED - 1e-3)
            assert passes is None or 1 <= passes <= 600


@pytest.mark.slow
def test_clean_images_are_named_well_and_random_pictures_are_not_of_all_classes(rows):
    (clean,) = (row for row in rows if row["kind"] == "clean")
    assert clean["accuracy"] > 0.97
    assert np.all(np.asarray(clean["clean_log_odds"]) > 3)
    assert np.all(np.asarray(clean["in_question"]) < 1.5)
    assert np.median(clean["random_log_odds"]) < 0
    assert clean["near"] is None


@pytest.mark.slow
def test_the_table_says_that_the_digits_were_learnt_from(rows):
    text = tables(rows)
    assert "have learnt from" in text
    assert "### Digits: rank correlations" in text
    assert "ImageNet" not in text


def archive_rows():
    """Dogs get the least, and the fewer the nearer their class; what random pictures get decides the rest."""
    generator = np.random.default_rng(0)
    random = generator.standard_normal(1000)
    near = np.ones(1000)
    (first, last), *_ = GROUPS["dogs"]
    near[first : last + 1] = 20 + np.arange(last - first + 1)
    odds = random - 10.0 * (near > 1)
    archive = {"kind": "archive", "task": "archive,made", "network": "net", "log_odds": odds.tolist()}
    archive |= {"search": "cppn, focused", "passes_in_all": 1000}
    clean = {"kind": "clean", "network": "net", "near": near.tolist(), "in_question": [1.0] * 1000}
    clean |= {"clean_log_odds": [None, *generator.standard_normal(999).tolist()]}
    clean |= {"random_log_odds": random.tolist(), "clean_images": 999, "clean_data": "photographs"}
    clean |= {"wrong_names": [None, *[0.0, 1.0, 0.0] * 333]}
    return [archive, {**clean, "random_images": 5}]


def cells(text, *begin):
    """The cells of the line of a table that begins so."""
    line = next(line for line in text.splitlines() if line.startswith("| " + " | ".join(begin) + " |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_dogs_that_get_the_least_are_found():
    text = tables(archive_rows())
    dogs = cells(text, "made", "dogs")
    assert dogs[2] == "118 and 280"
    assert "photographs named wrongly (net)" in text
    assert dogs[3].startswith("0.00 [0.00, 0.0")
    assert dogs[4] == "< 0.0001"
    assert cells(text, "made", "domestic cats")[4] == "1" or float(cells(text, "made", "domestic cats")[4])
    assert cells(text, "dogs")[1] == "118"


def test_what_decides_the_log_odds_correlates_with_them():
    text = tables(archive_rows())
    heads = next(line for line in text.splitlines() if line.startswith("| archive | classes | conf"))
    heads = [head.strip() for head in heads.strip("|").split("|")]
    line = dict(zip(heads, cells(text, "made", "all"), strict=True))
    assert line["confidence in random pictures"].startswith("0.8")
    assert line["near classes"].startswith("-0.5")
    assert line["confidence in clean images"].endswith("p 1")
    assert line["classes in question in clean images"] == "-"


def test_classes_that_an_archive_lacks_are_left_out():
    archive, clean = archive_rows()
    some = [value if index < 200 else None for index, value in enumerate(archive["log_odds"])]
    text = tables([{**archive, "log_odds": some}, clean])
    assert cells(text, "made", "dogs")[2] == "49 and 151"
    assert cells(text, "things")[2] == "-"
    assert findings([{**archive, "log_odds": some}, clean])["made_near"].of == "200 animals, one run"


def test_findings_are_the_numbers_of_the_tables():
    found = findings([*archive_rows(), *search_rows()])
    assert found["made_dogs"].value.estimate == 0
    assert found["made_dogs"].of == "118 dogs, 280 other animals, one run"
    assert found["made_dogs_at_90"].value.estimate == 0 < found["made_others_at_90"].value.estimate
    assert found["made_near"].value.high < 0 < found["made_random"].value.low
    assert found["direct_clean"].value.estimate == pytest.approx(-1, abs=1e-3)
    assert found["direct_clean"].of == "6 runs on 3 networks"
    assert found["direct_wrong"].value.estimate == pytest.approx(1, abs=1e-3)


def test_figures_show_every_class_of_archives_and_every_search(monkeypatch):
    drawn = []
    for name in ("strips", "scatter"):
        for part in ("difficulty_of_archives", "difficulty_of_digits"):
            monkeypatch.setattr(
                f"fooljax.report.{part}.{name}", lambda groups, **_: drawn.append(groups), raising=False
            )
    assert set(figures(archive_rows())) == {"groups-made.png", "near-made.png", "random-made.png"}
    groups, near, random = drawn
    assert sum(map(len, groups.values())) == 1000
    assert next(iter(groups)) == "dogs"  # those with the least come first
    assert sum(len(across) for across, _ in near.values()) == 1000
    assert max(random["dogs"][1]) < 0
    drawn.clear()
    assert set(figures(search_rows())) == {"passes-direct.png"}
    assert drawn[0]["digit 9"] == [np.inf] * 6


def search_rows():
    """Three networks, two runs each: the later a digit, the more passes, and the less clean confidence."""
    digits = np.arange(10.0)
    rows = []
    for name in ("lenet-0", "lenet-1", "lenet-2"):
        clean = {"kind": "clean", "network": name, "clean_data": "mnist-embedded", "clean_images": 7}
        clean |= {"random_images": 5, "clean_log_odds": (20.0 - digits).tolist(), "near": None}
        clean |= {"in_question": (1.0 + digits).tolist(), "wrong_names": (digits / 100).tolist()}
        rows.append({**clean, "random_log_odds": [-3.0] * 10})
        for run in range(2):
            passes = [*(100 * (1 + digits[:9]) + run).tolist(), None]
            told = {"kind": "search", "network": name, "family": "direct", "run": run, "budget": 5000}
            shares = {kind: {"0.9": 0.9, "0.9999": 0.5} for kind in ("raw", "scaled")}
            rows.append({**told, "passes": passes, "log_odds": (30.0 - digits).tolist(), "shares": shares})
    return rows


def test_digits_are_ranked_by_passes_and_those_never_fooled_are_the_last():
    text = tables(search_rows())
    line = cells(text, "evolved pixels", "passes to 99.99 %")
    assert line[2].startswith("-1.00")
    assert line[3].startswith("1.00")
    assert line[4].startswith("1.00")
    assert line[5] == "-"
    assert cells(text, "9")[-1] == "9.00 %"
    assert cells(text, "9")[1] == "> 5,000"
    assert cells(text, "0")[1].startswith("10")
    assert "| evolved pixels | 90.0 % [12.8, 100.0] (90.0 %) | 50.0 % [1.5, 98.5] (50.0 %) |" in text


def test_the_published_archives_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tasks = list(STUDY.tasks(Config(networks=0), []))
    assert [task.name for task in tasks] == [
        f"archive,{name}"
        for name in ("imagenet_cppn", "imagenet_cppn_fine", "direct", "refined", "random_search")
    ]
    (found,) = STUDY.measure(None, tasks[:1])
    assert len(found["log_odds"]) == 1000
    assert found["passes_in_all"] == 300_100


def test_a_folder_that_is_no_run_of_all_classes_is_named(tmp_path):
    with pytest.raises(InputError, match=MARK):
        list(STUDY.tasks(Config(networks=0, archives=str(tmp_path)), []))


def test_a_network_that_is_fooled_anew_must_be_one_for_imagenet():
    with pytest.raises(
        InputError, match=r"^--anew: expected networks for ImageNet \(efficientnet-lite0, .*\), got lenet-0$"
    ):
        list(STUDY.tasks(Config(networks=0, archives=None, anew="lenet-0"), []))


def test_a_search_that_there_is_not_is_named():
    with pytest.raises(InputError, match=r"^--families: expected some of cppn, direct, random, got gradient"):
        list(STUDY.tasks(Config(networks=1, families="cppn,gradient"), []))


def test_sizes_name_settings():
    names = {field.name for field in dataclasses.fields(Config)}
    assert all(set(size) <= names for size in SIZES.values())


def set_rows():
    """Two networks, two runs each: dogs get the least of one network, and the most of the other."""
    archive, clean = archive_rows()
    odds = np.asarray(archive["log_odds"])
    rows = []
    for name, sign in (("net", 1.0), ("other", -1.0)):
        rows.append({**clean, "network": name})
        for run in range(2):
            one = {"kind": "set", "network": name, "generator": "cppn", "run": run, "passes": 10_000}
            rows.append({**one, "log_odds": (sign * (odds + run)).tolist()})
    return rows


def test_networks_that_are_fooled_anew_are_one_observation_each():
    found = findings(set_rows())["cppn_dogs"]
    assert found.value.estimate == pytest.approx(0.5)  # 0 against one network, and 1 against the other
    assert (found.value.low, found.value.high) == (0.0, 1.0)
    assert found.of == "2 networks, 2 runs each"
    text = tables(set_rows())
    images = EXPLANATIONS["cppn"]
    assert cells(text, images, "net", "2")[6].startswith("0.00")
    assert cells(text, images, "other", "2")[6].startswith("1.00")
    assert cells(text, images, "all networks", "4")[6].startswith("0.50")


def test_the_line_of_all_networks_is_the_mean_of_their_lines():
    clean, first, second, *others = set_rows()
    third = {**second, "run": 2, "log_odds": (-np.asarray(second["log_odds"])).tolist()}
    text = tables([clean, first, second, third, *others])
    images = "evolved images drawn by CPPNs"
    each = [float(cells(text, images, name)[6].split()[0]) for name in ("net", "other")]
    assert each == [pytest.approx(1 / 3, abs=0.01), 1.0]
    assert float(cells(text, images, "all networks")[6].split()[0]) == pytest.approx(2 / 3, abs=0.01)
