"""The tables of `recognisable`, from made rows whose shares are known."""

from fooljax.report.recognisable import findings, tables
from fooljax.report.recognisable_figures import figures


def told(fooled, none, without, agrees):
    """What a panel said of a set of ten images."""
    return {
        "images": 10,
        "fooled": fooled,
        "no_judge_agrees": none,
        "no_judge_of_another_family_agrees": without,
        "every_judge_agrees": 0,
        "judges": {name: {"agrees": count, "names_the_class": 10} for name, count in agrees.items()},
        "distances": {"pixels": {"median_percentile": 99.6}},
        "after": {
            name: {"still_fooled": fooled // 2, "still_named": 10, "median_log_odds": 1.0}
            for name in ("grey_level", "shift", "jpeg", "blur")
        },
    }


def judge(title, refused=None):
    return {
        "name": title,
        "same_family": title == "LeNet",
        "names_clean_images_rightly": 0.991,
        "threshold_log_odds": 4.0,
        "recognises_clean_images": 0.942,
        "noise_as_sure": 0.0,
        "refused": refused,
    }


def rows_of(network, other, fooled, none):
    judges = [other, "knn"]
    common = {"network": network, "judges": judges}
    asked = {other: judge("LeNet"), "knn": judge("neighbours")}
    panel = {"judges": asked, "clean_images": {"distances_to": 60000}}
    yield {**common, "kind": "panel", "panel": panel}
    for generator, passes in (("cppn", 20000), ("clean", 0)):
        for run in range(2):
            yield {
                **common, "kind": "images", "generator": generator, "run": run, "passes": passes,
                "log_odds": [9.5] * fooled + [1.0] * (10 - fooled),
                "found": told(fooled, none, fooled, {other: 10 - none, "knn": None if run else 1}),
            }  # fmt: skip


ROWS = [*rows_of("lenet-0", "lenet-1", 10, 2), *rows_of("lenet-1", "lenet-0", 8, 4)]


def test_shares_are_over_networks():
    found = findings(ROWS)
    assert found["cppn_counts"].value.estimate == (0.2 + 0.4) / 2
    assert found["cppn_without_relatives"].value.estimate == (1.0 + 0.8) / 2
    assert found["cppn_counts"].of == "4 runs on 2 networks"


def test_without_a_judge_of_another_family_nothing_is_said_of_such():
    nobody = {"no_judge_of_another_family_agrees": None}
    rows = [{**row, "found": {**row.get("found", {}), **nobody}} for row in ROWS]
    found = findings(rows)
    assert found["cppn_counts"].value.estimate == (0.2 + 0.4) / 2
    assert "cppn_without_relatives" not in found
    lines = [
        line for line in tables(rows).splitlines() if line.startswith("| evolved images drawn by CPPNs | 90")
    ]
    assert lines[0].endswith("| - |")
    assert figures(rows)["shares.png"].startswith(b"\x89PNG")


def test_the_other_network_of_the_kind_is_one_column_and_a_refused_judge_does_not_count():
    text = tables(ROWS)
    (head,) = [line for line in text.splitlines() if line.startswith("| images | fool |")]
    assert (
        head == "| images | fool | other LeNet agrees | knn agrees | count as fooling | without relatives |"
    )
    (line,) = [
        line for line in text.splitlines() if line.startswith("| evolved images drawn by CPPNs | 90.0 %")
    ]
    cells = [cell.split(" [")[0].strip() for cell in line.strip("|").split("|")]
    assert cells[1:] == ["90.0 %", "70.0 %", "10.0 %", "30.0 %", "90.0 %"]
    assert "| evolved images drawn by CPPNs | 18 of 36 | 18 of 36 | 18 of 36 | 18 of 36 | 100 |" in text
    assert "60,000 training images" in text


def test_a_judge_of_several_networks_that_says_the_same_has_one_line():
    text = tables(ROWS)
    assert "| lenet-0: LeNet | 99.1 % | 98.20 % | 94.2 % | 0 % | no | lenet-1 |" in text
    assert "| knn: neighbours | 99.1 % | 98.20 % | 94.2 % | 0 % | no | lenet-0, lenet-1 |" in text
    assert text.count("| knn: neighbours |") == 1


def test_a_judge_that_is_always_refused_is_left_out():
    rows = [row | {"found": told(5, 1, 5, {"lenet-1": 1, "knn": None})} for row in ROWS[1:2]]
    assert "| left out |" in tables([ROWS[0], *rows])


def test_an_image_is_unusual_on_either_side():
    common = {"kind": "likelihood", "network": "lenet-0", "run": 0, "model": "mixture-0", "passes": 0}
    common |= {"clean_of_a_class": 892, "log_odds": [9.5] * 5}
    rows = [
        {**common, "task": "a", "generator": "cppn", "percentiles": [0.0, 0.5, 50.0, 97.0, 100.0]},
        {
            **{**common, "task": "b", "generator": "clean", "percentiles": [40.0, 45.0, 50.0, 55.0, 60.0]},
            "percentiles_as_another": [0.0, 0.0, 0.0, 0.0, 10.0],
        },
    ]
    text = tables(rows)
    assert "| evolved images drawn by CPPNs | 50.0 | 40.0 % | 20.0 % | 20.0 % |" in text
    assert "| clean test images, taken for another class | 0.0 | 20.0 % | 20.0 % | 0 % |" in text
    assert "892 or more clean test images" in text
    assert findings(rows)["clean_usual_98"].value.estimate == 1.0
