"""The experiment on detectors: what is planned, what its tables say of made rows, the smallest size whole."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from experiments import detectors
from fooljax.errors import FaultError, InputError
from fooljax.report.detector_rows import detectors_not_overcome
from fooljax.report.detectors import tables
from fooljax.study import attacks


def planned(rows=(), **told):
    return list(detectors.tasks(detectors.Config(**{**detectors.SIZES["smoke"], **told}), rows))


def write_npz(path, images):
    labels = np.arange(len(images)) % 10
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)


def test_every_detector_meets_every_attack_that_knows_it():
    tasks = planned(networks="lenet-0,lenet-1", runs=2, generators="direct,gradient", controls="none")
    of_kind = {}
    for task in tasks:
        of_kind.setdefault(task.settings["kind"], []).append(task)
    assert len(of_kind["clean"]) == 2
    shown = {task.settings["generator"] for task in of_kind["static"]}
    assert shown == {"direct", "gradient", "random_search_direct", "uniform_noise", "gaussian_noise"}
    assert len(of_kind["knowing"]) == 2 * 2 * 2 * 2
    assert len(of_kind["judged"]) == 2 * 2
    assert len({task.name for task in tasks}) == len(tasks)
    assert all(
        task.settings["budget"] == 1000 for task in tasks if task.settings.get("generator") == "gradient"
    )


def test_other_data_are_shown_once(idx_folder):
    tasks = [task for task in planned(others=f"idx:{idx_folder}", runs=3) if "idx" in task.name]
    assert [task.name for task in tasks] == [f"static,lenet-0,idx.{str(idx_folder).replace('/', '.')},run=0"]


@pytest.mark.parametrize(
    ("others", "line"),
    [
        ("", r"--others: expected different names with commas between, got no name"),
        ("embedded,embedded", r"--others: expected different names .*, got embedded twice"),
        ("embedded,", r"--others: expected different names .*, got embedded,"),
        ("idx:nowhere", r"--others: expected idx:DIR with an existing folder, got 'nowhere'"),
        ("folder:{empty}", r".*empty: expected a folder for each class, found none"),
    ],
)
def test_other_data_that_cannot_be_read_are_told_before_any_work(others, line, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    outdir = tmp_path / "out"
    told = others.format(empty=tmp_path / "empty")
    assert detectors.main(["--size", "smoke", "--others", told, "--outdir", str(outdir), "--quiet"]) == 2
    assert re.fullmatch(f"error: {line}\\n", capsys.readouterr().err)
    assert not outdir.exists()


def test_a_data_set_that_cannot_be_prepared_is_told_by_the_setting_that_names_it(
    tmp_path, capsys, monkeypatch
):
    def cannot(name, folder):
        raise FaultError(f"data: cannot prepare {name} in {folder}")

    monkeypatch.setattr("fooljax.data.loading.prepared", cannot)
    outdir = tmp_path / "out"
    command = ["--size", "smoke", "--others", "tfds:nosuch", "--outdir", str(outdir), "--quiet"]
    assert detectors.main(command) == 1
    assert capsys.readouterr().err.startswith("error: --others: cannot prepare nosuch in ")
    assert not outdir.exists()


def test_other_data_of_other_channels_are_told_before_images_are_made(tmp_path, capsys):
    write_npz(tmp_path / "colour.npz", np.zeros((40, 28, 28, 3), np.uint8))
    command = ["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]
    assert detectors.main([*command, "--others", f"npz:{tmp_path / 'colour.npz'}"]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(r"error: --others: expected images of 1 channels for .*, got 3\n", told)
    assert not list((tmp_path / "out").glob("rows/*"))
    assert not (tmp_path / "images").exists()


RESULTS = Path(__file__).parent.parent.parent / "docs" / "results"
ARCHIVE = RESULTS / "imagenet_cppn_fine"


def test_images_of_a_finished_run_are_shown_to_the_detectors_of_its_network():
    told = {"archive": str(ARCHIVE), "imagefolder": "photographs"}
    tasks = planned(networks="efficientnet-lite0,squeezenet", **told)
    (shown,) = (task for task in tasks if task.settings.get("generator") == "archive")
    assert shown.name == "static,efficientnet-lite0,archive,run=0"
    assert shown.settings["budget"] > 1_000_000
    alone = planned(networks="efficientnet-lite0", generators="none", **told)
    assert [task.settings["kind"] for task in alone] == ["clean", "static", "static", "static"]
    with pytest.raises(InputError, match=r"^--archive: expected a run against one of squeezenet, got one"):
        planned(networks="squeezenet", **told)


def test_attacks_that_know_can_be_left_to_some_detectors_without_a_change_of_any_task():
    every = {task.name: task for task in planned()}
    some = {task.name: task for task in planned(known="knn")}
    assert [name for name in every if name not in some] == ["knowing,direct,energy,lenet-0,run=0"]
    assert all(every[name] == task for name, task in some.items())
    assert not any(task.settings["kind"] == "knowing" for task in planned(known="none"))
    with pytest.raises(InputError, match="--known: expected some of energy, knn, got vim"):
        planned(known="vim")


def test_unknown_attacks_are_refused():
    with pytest.raises(InputError, match="--generators: expected some of direct, cppn, gradient, got cpn"):
        planned(generators="cpn")


def test_images_can_be_made_for_some_classes_while_thresholds_are_those_of_all():
    told = {
        task.settings["kind"]: task.settings.get("classes", "all") for task in planned(classes="0,5", runs=1)
    }
    assert told == {"clean": "all", "static": "0,5", "judged": "0,5", "knowing": "0,5"}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"controls": "cppn"}, "--controls: expected some of random_search_"),
        ({"detectors": "energy,energy"}, "--detectors: expected different names"),
        ({"detectors": "no_such_module:x"}, "detector: .*no_such_module"),
        (
            {"networks": "lenet-0", "judges": "knn,lenet-0"},
            "--judges: expected other networks than .* got lenet-0",
        ),
    ],
)
def test_settings_that_would_change_nothing_or_fail_late_are_refused(told, message):
    with pytest.raises(InputError, match=message):
        planned(**told)


def told_apart(auroc, caught, through):
    names = ("aupr_others_positive", "aupr_clean_positive")
    rates = ("fpr_at_95_tpr_others_positive", "fpr_at_95_tpr_clean_positive")
    figures = {"auroc": auroc, **dict.fromkeys((*names, *rates), 0.5)}
    at = {"caught": caught, "through": through}
    return {**figures, **{name: {"0.05": share, "0.01": share / 2} for name, share in at.items()}}


def row(kind, generator, run, **more):
    return {
        **{"kind": kind, "network": f"lenet-{run % 2}", "generator": generator, "run": run, "budget": 400},
        **{"data": "made", "detectors": ["energy", "knn"], "passes": 400, "fooled": 0.8},
        **{"passes_of_classes": [100, None], "passes_to_median": 100, "log_odds": [10.0, 10.0]},
        **more,
    }


def made_rows():
    rows = []
    for generator in ("direct", "gradient"):
        for run in range(10):
            apart = {"energy": told_apart(0.9, 0.75, 0.2), "knn": told_apart(1.0, 1.0, 0.0)}
            rows.append(row("static", generator, run, told_apart=apart))
            for name, odds, through in (("energy", 10.0, 0.8), ("knn", -3.0, 0.0)):
                told = {"detector": name, "log_odds": [odds] * 2, "judged": {"lenet-4": [True, False]}}
                rows.append(row("knowing", generator, run, told_apart=told_apart(0.5, 0.1, through), **told))
    return rows


def cells(text, head):
    """The lines of the table with this first head, each as its cells by head."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    start = next(place for place, line in enumerate(lines) if line[0] == head)
    heads, found = lines[start], []
    for line in lines[start + 2 :]:
        if len(line) != len(heads) or line[0] in ("AUROC", "detector"):
            break
        found.append(dict(zip(heads, line, strict=True)))
    return found


def test_the_first_table_sets_static_beside_adaptive_attacks():
    nobody, energy, neighbours = cells(tables(made_rows()), "network")
    assert [nobody["detector"], energy["detector"]] == ["none", "energy"]
    told = ("gradient ascent, static", "gradient ascent, adaptive", "pixels, static", "pixels, adaptive")
    assert [nobody[head] for head in told] == ["80", "-", "80", "-"]
    assert [energy[head] for head in told] == ["20", "80", "20", "80"]
    assert [neighbours[head] for head in told] == ["0", "0", "0", "0"]
    assert {line["CPPNs, static"] for line in (nobody, energy, neighbours)} == {"-"}


def test_passes_of_attacks_on_odin_count_what_it_asks_the_network_again():
    rows = []
    for generator in ("direct", "gradient"):
        apart = {name: told_apart(0.9, 0.75, 0.2) for name in ("energy", "odin")}
        rows.append(row("static", generator, 0, told_apart=apart, detectors=["energy", "odin"]))
        for name in ("energy", "odin"):
            more = {"detector": name, "judged": {}, "detectors": [name]}
            rows.append(row("knowing", generator, 0, told_apart=told_apart(0.5, 0.1, 0.8), **more))
    text = tables(rows)
    assert "| 100 | 100 |" in next(
        line for line in text.splitlines() if line.startswith("| energy | evolved")
    )
    assert "| 100 | 400 |" in next(line for line in text.splitlines() if line.startswith("| ODIN | evolved"))
    assert "| 100 | 300 |" in next(line for line in text.splitlines() if line.startswith("| ODIN | gradient"))


def test_what_holds_has_the_flags_of_its_attacks_beside_it():
    nobody, energy, neighbours = (
        line["attacks that know it"] for line in cells(tables(made_rows()), "network")
    )
    assert [nobody, energy] == ["-", "overcome"]
    assert neighbours.startswith("not tested: plateau")


def test_other_data_are_in_the_tables_and_small_shares_are_no_nought():
    apart = {"energy": told_apart(0.95, 0.75, 0.004), "knn": told_apart(0.99, 1.0, 0.0)}
    others = row("static", "idx:data/clothes", 0, told_apart=apart, fooled=0.25)
    del others["passes_of_classes"], others["passes_to_median"], others["log_odds"]
    text = tables([*made_rows(), others])
    assert [line["other data"] for line in cells(text, "network")] == ["25", "< 1", "0"]
    assert cells(text, "AUROC")[-1] == {
        **{"AUROC": "test images of clothes", "energy": "0.950", "nearest neighbours": "0.990"}
    }
    assert "| energy | test images of clothes | 0.500 |" in text
    assert detectors.findings([*made_rows(), others])["knn_others_auroc"].value.estimate == 0.99


def test_a_detector_of_some_rows_alone_is_a_dash_elsewhere():
    rows = made_rows()
    for one in rows:
        if one["kind"] == "static" and one["generator"] == "direct":
            one["detectors"] = ["energy"]
            del one["told_apart"]["knn"]
    neighbours = cells(tables(rows), "network")[-1]
    assert [neighbours["pixels, static"], neighbours["gradient ascent, static"]] == ["-", "0"]
    assert cells(tables(rows), "AUROC")[0]["nearest neighbours"] == "-"
    assert set(detectors.STUDY.figures(rows)) == {"through-made.png"}


def test_images_of_a_finished_run_have_a_line_of_their_own_and_no_attack_that_knows():
    apart = {"energy": told_apart(0.3, 0.25, 0.0), "knn": told_apart(0.6, 0.5, 0.0)}
    rows = [*made_rows(), row("static", "archive", 0, told_apart=apart)]
    assert cells(tables(rows), "AUROC")[-1]["energy"] == "0.300"
    assert detectors.findings(rows)["knn_archive_auroc"].value.estimate == pytest.approx(0.6)
    assert detectors.findings(rows)["knn_archive_matched"].value.estimate == pytest.approx(0.5)
    assert set(detectors.STUDY.figures(rows)) == {"through-made.png"}


@pytest.mark.parametrize(
    ("folder", "network"), [("detectors", "digits, LeNet"), ("detectors_cifar10", "CIFAR-10, ResNet-20")]
)
def test_the_published_table_is_that_of_its_rows(folder, network):
    """By hand: what gets past the detector by Mahalanobis distance, in percent."""
    found = cells((RESULTS / "detectors.md").read_text(encoding="utf-8"), "network")
    (line,) = (one for one in found if (one["network"], one["detector"]) == (network, "Mahalanobis"))
    for generator, head in (("cppn", "CPPNs"), ("gradient", "gradient ascent")):
        for files, kind in ((f"knowing,{generator},mahalanobis", "adaptive"), ("static", "static")):
            paths = (RESULTS / folder / "rows").glob(f"{files},*.json")
            rows = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
            told = [row["told_apart"] for row in rows if row["generator"] == generator]
            through = [one.get("mahalanobis", one)["through"]["0.05"] for one in told]
            mean = 100 * sum(through) / len(through)
            assert line[f"{head}, {kind}"] == ("< 1" if 0 < mean < 1 else f"{int(mean + 1e-9)}")


def test_a_detector_that_holds_is_met_again_when_all_its_rows_are_there():
    rows = made_rows()
    assert detectors_not_overcome(rows, 20) == ["knn"]
    assert detectors_not_overcome(rows[:-3], 20) == []
    again = planned(rows, networks="lenet-0,lenet-1", runs=5, generators="direct,gradient", more=4)
    more = [task for task in again if task.name.startswith("knowing4")]
    assert {task.settings["detector"] for task in more} == {"knn"}
    assert {task.settings["budget"] for task in more} == {4 * 400, 4 * 1000}
    # With the larger budget there, it is still the first one that says what holds.
    later = [{**one, "budget": 1600} for one in rows if one["kind"] == "knowing" and one["detector"] == "knn"]
    assert detectors_not_overcome([*rows, *later], 20) == ["knn"]
    assert attacks.attempts(later)[0].passes == 1600


def test_findings_have_names_and_units():
    found = detectors.findings(made_rows())
    assert found["energy_direct_through"].value.estimate == pytest.approx(0.8)
    assert found["knn_gradient_auroc"].value.estimate == 1.0
    assert found["energy_direct_caught"].of == "10 runs on 2 networks"
    assert detectors.findings([]) == {}


@pytest.mark.slow
def test_the_smallest_size_runs_and_goes_on(tmp_path):
    command = ["--size", "smoke", "--outdir", str(tmp_path / "detectors"), "--quiet"]
    assert detectors.main(command) == 0
    rows = [json.loads(line) for line in (tmp_path / "detectors" / "rows.jsonl").read_text().splitlines()]
    (clean,) = (one for one in rows if one["kind"] == "clean")
    assert all(one["0.01"] < one["0.05"] < 0.15 for one in clean["clean_rejected"].values())
    before = {path: path.read_bytes() for path in (tmp_path / "detectors" / "rows").iterdir()}
    assert detectors.main(command) == 0
    assert before == {path: path.read_bytes() for path in (tmp_path / "detectors" / "rows").iterdir()}


def test_data_that_the_network_does_not_take_are_told_by_the_flag(tmp_path, capsys):
    write_npz(tmp_path / "small.npz", np.zeros((40, 20, 20), np.uint8))
    command = ["--size", "smoke", "--outdir", str(tmp_path / "detectors"), "--quiet"]
    assert detectors.main([*command, "--data", f"npz:{tmp_path / 'small.npz'}"]) == 2
    assert re.match(r"error: --data: expected images of \(28, 28, 1\) .*, got", capsys.readouterr().err)
