"""The folder of a gradient ascent: it goes on after any end, and opens only where it is whole."""

import json
import shutil

import numpy as np
import pytest

from experiments import mnist_gradient
from fooljax.cli import evolve, report
from fooljax.engine.log_odds import FOOLED
from fooljax.errors import InputError
from fooljax.labelling.images import open_source
from fooljax.report import ascent_page
from fooljax.runs import ascent_images, ascent_run
from fooljax.runs.ascent_record import open_ascent
from fooljax.runs.opened import open_folder
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.terminal import Interrupted

METHODS = ["unregularised", "seed_169", "adam"]


@pytest.fixture(scope="module")
def flags(idx_folder):
    return [
        "--data", f"idx:{idx_folder}", "--starts", "2", "--iterations", "12", "--optimiser-iterations", "15",
        "--methods", ",".join(METHODS),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(flags, tmp_path_factory):
    """The folder of a finished run; not to be changed."""
    outdir = tmp_path_factory.mktemp("gradient") / "run"
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(outdir)]) == 0
    return outdir


@pytest.fixture
def copy(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    return tmp_path / "copy"


def everything(folder):
    """What a run leaves, without what says how long it took."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    timed = {"summary.json", *(f"{name}.npz" for name in METHODS)}
    return {path.relative_to(folder): path.read_bytes() for path in files if path.name not in timed}


def untimed(folder):
    summary = json.loads((folder / "summary.json").read_text())
    for facts in summary["methods"].values():
        del facts["seconds_with_compile"]
    return summary


@pytest.fixture(scope="module")
def one_method(flags, tmp_path_factory):
    """The folder of a run that ended after one of its methods; not to be changed."""
    genuine, calls = ascent_run.ascend_images, []

    def ends(*args, **kwargs):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(args[3])
        return genuine(*args, **kwargs)

    outdir = tmp_path_factory.mktemp("gradient") / "one"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ascent_run, "ascend_images", ends)
        assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(outdir)]) == 130
    return outdir


@pytest.fixture
def broken_off(one_method, tmp_path, monkeypatch):
    """A copy of the folder of a run that ended after one method, and the rules that run from now on."""
    genuine, calls = ascent_run.ascend_images, []

    def counted(*args, **kwargs):
        calls.append(args[3])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(ascent_run, "ascend_images", counted)
    return shutil.copytree(one_method, tmp_path / "r"), calls


def test_a_run_that_was_broken_off_goes_on_to_the_same_end(broken_off, folder, capsys):
    outdir, calls = broken_off
    assert not (outdir / "summary.json").exists()
    # As a kill leaves it: half of a folder of images.
    (outdir / "images.tmp" / "start").mkdir(parents=True)
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 2
    assert everything(outdir) == everything(folder)
    assert untimed(outdir) == untimed(folder)
    # A finished one is written again, the same, and no method runs.
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 2
    assert everything(outdir) == everything(folder)
    assert "Traceback" not in capsys.readouterr().err


def test_a_method_whose_file_is_damaged_runs_again(broken_off, folder, caplog):
    outdir, calls = broken_off
    path = outdir / "checkpoints" / "unregularised.npz"
    path.write_bytes(path.read_bytes()[:-100])
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert len(calls) == 3
    assert "unregularised.npz" in caplog.text
    assert everything(outdir) == everything(folder)


@pytest.mark.parametrize("seconds", [None, "3", -1.0])
def test_a_method_without_its_seconds_is_refused(seconds, broken_off, capsys):
    outdir, _ = broken_off
    path = outdir / "checkpoints" / "unregularised.npz"
    arrays, _, facts = load_arrays(path)
    facts.pop("seconds")
    save_tree(path, arrays, facts if seconds is None else {**facts, "seconds": seconds})
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 2
    assert f"unregularised.npz: expected the seconds spent, found {seconds}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "flags_again", "message"),
    [
        ({}, ["--starts", "3"], "--starts: the run in"),
        ({"seed": 1}, [], "unregularised.npz: "),
        ({"iterations": 13}, [], "unregularised.npz: "),
    ],
)
def test_what_was_begun_by_something_else_is_refused(broken_off, change, flags_again, message, capsys):
    outdir, calls = broken_off
    config = json.loads((outdir / "config.json").read_text())
    config["settings"] |= change
    (outdir / "config.json").write_text(json.dumps(config))
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet", *flags_again]) == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert message in line
    assert calls == []
    assert (outdir / "checkpoints" / "unregularised.npz").exists()


def test_another_network_is_refused(broken_off, capsys):
    outdir, calls = broken_off
    target = json.loads((outdir / "target.json").read_text())
    (outdir / "target.json").write_text(json.dumps({**target, "params_sha256": "0" * 64}))
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 2
    assert "another target" in capsys.readouterr().err
    assert calls == []


def test_a_finished_one_that_cannot_be_written_again_stays_finished(folder, tmp_path, capsys):
    outdir = tmp_path / "r"
    shutil.copytree(folder, outdir)
    (outdir / "ascents.npz").unlink()
    (outdir / "ascents.npz").mkdir()
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 2
    assert "ascents.npz: expected a file that can be replaced" in capsys.readouterr().err
    assert (outdir / "summary.json").exists()


def test_the_summary_is_written_last(flags, folder, tmp_path, monkeypatch):
    genuine = ascent_page.write_ascent_html

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ascent_page, "write_ascent_html", full)
    outdir = tmp_path / "r"
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(outdir)]) == 1
    assert not (outdir / "summary.json").exists()
    monkeypatch.setattr(ascent_page, "write_ascent_html", genuine)
    assert mnist_gradient.main(["--resume", str(outdir), "--quiet"]) == 0
    assert everything(outdir) == everything(folder)


def test_an_image_that_changed_on_disk_fails_the_run(flags, tmp_path, capsys, monkeypatch):
    genuine = ascent_images.read_image

    def spoilt(path, image_shape):
        pixels = genuine(path, image_shape)
        return 255 - pixels if path.name.startswith("start01-class002") else pixels

    monkeypatch.setattr(ascent_images, "read_image", spoilt)
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(tmp_path / "r")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "start01-class002" in line
    assert "when read back" in line
    assert not (tmp_path / "r" / "summary.json").exists()


def test_being_told_to_stop_says_how_to_go_on(flags, tmp_path, capsys, monkeypatch):
    def told(*_, **__):
        raise Interrupted(15, "interrupted")

    monkeypatch.setattr(ascent_run, "ascend_images", told)
    assert mnist_gradient.main([*flags, "--quiet", "--outdir", str(tmp_path / "r")]) == 143
    command = f"python -m experiments.mnist_gradient --resume {tmp_path / 'r'}"
    assert f"0 of 3 methods are done; go on with: {command}" in capsys.readouterr().err


def test_the_images_of_a_folder_are_those_of_its_files(folder):
    record = open_ascent(folder)
    for name in METHODS:
        for index, image in enumerate(record.images(name).reshape(-1, 16, 16, 1)):
            start, cell = divmod(index, 4)
            (path,) = (folder / "images" / name).glob(f"start{start:02d}-class{cell:03d}-*.png")
            np.testing.assert_array_equal(ascent_images.read_image(path, (16, 16, 1)), image)


def test_a_folder_without_a_table_tells_the_same_to_a_rounding(copy):
    """As version 0.1 left it."""
    whole = open_ascent(copy).log_odds
    (copy / "images.csv").unlink()
    for name, odds in open_ascent(copy).log_odds.items():
        np.testing.assert_allclose(odds, whole[name], atol=1e-3 if name in METHODS else 0.5)


def test_the_page_of_a_folder_of_version_0_1_is_made_again(copy):
    """Such a folder does not say its words and its command, and has no table of images."""
    config = json.loads((copy / "config.json").read_text())
    old = {name: config[name] for name in ("experiment", "settings", "versions")}
    (copy / "config.json").write_text(json.dumps(old))
    for name in ("images.csv", "index.html", "gallery.png", "curves.png"):
        (copy / name).unlink()
    page = ascent_page.write_ascent_page(open_ascent(copy)).read_text()
    for part in (config["command"], config["title"], "Those of the start image are from before its rounding"):
        assert part in page
    assert (copy / "gallery.png").exists()


def test_report_makes_the_page_again(copy, tmp_path, capsys):
    page = (copy / "index.html").read_bytes()
    (copy / "index.html").unlink()
    assert report.main([str(copy)]) == 0
    assert (copy / "index.html").read_bytes() == page
    assert report.main([str(copy), "--output", str(tmp_path / "other")]) == 0
    assert (tmp_path / "other" / "index.html").read_bytes() == page
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert report.main([str(copy), "--output", str(tmp_path / "full")]) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err


def test_it_is_no_search(folder, capsys):
    with pytest.raises(InputError, match="expected a search, found a gradient ascent"):
        open_folder(folder)
    assert evolve.main(["--resume", str(folder)]) == 2
    assert "expected a search, found a gradient ascent" in capsys.readouterr().err


def spoil_summary(folder):
    content = json.loads((folder / "summary.json").read_text())
    content["methods"]["adam"] = 3
    (folder / "summary.json").write_text(json.dumps(content))


def spoil_config(folder):
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "introduction": [3]}))


def spoil_kind(folder):
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "kind": "search"}))


def spoil_arrays(folder):
    arrays, _, facts = load_arrays(folder / "ascents.npz")
    arrays["adam/history"] = arrays["adam/history"][:, :3]
    save_tree(folder / "ascents.npz", arrays, facts)


def spoil_classes(folder):
    arrays, _, facts = load_arrays(folder / "ascents.npz")
    save_tree(folder / "ascents.npz", arrays, {**facts, "classes": [0, 1, 2, 9]})


def spoil_table(folder):
    lines = (folder / "images.csv").read_text().splitlines()
    (folder / "images.csv").write_text("\n".join([*lines[:-1], lines[-2]]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "summary.json").unlink(), "expected a finished run"),
        (lambda folder: (folder / "config.json").unlink(), r"found no config\.json"),
        (lambda folder: (folder / "ascents.npz").write_bytes(b"x"), r"ascents\.npz"),
        (spoil_summary, r"summary\.json: expected an entry rescored of each method"),
        (spoil_config, r"config\.json: expected a title, an introduction and notes"),
        (spoil_kind, r"config\.json: expected a gradient ascent, found another kind"),
        (spoil_arrays, r"ascents\.npz: expected a gradient ascent .*arrays of adam"),
        (spoil_classes, r"ascents\.npz: expected a gradient ascent .*of 4"),
        (spoil_table, r"images\.csv: expected a row for each image"),
    ],
)
def test_a_damaged_folder_is_one_line(spoil, message, copy):
    spoil(copy)
    with pytest.raises(InputError, match=message) as caught:
        _ = open_ascent(copy).log_odds
    assert "\n" not in str(caught.value)


def test_people_are_asked_about_the_images_of_all_methods(folder):
    record = open_ascent(folder)
    source = open_source(folder, None, -100.0)
    assert len(source.images) == len(METHODS) * record.starts * len(record.cells)
    assert {image.source for image in source.images} == {f"{folder}, {method}" for method in METHODS}
    for image in source.images:
        method = image.source.rpartition(", ")[2]
        cell = record.cells.index(image.class_index)
        assert image.log_odds == record.log_odds[method][image.run, cell]
        np.testing.assert_array_equal(image.pixels, record.images(method)[image.run, cell])


def test_judges_are_asked_about_the_images_of_every_method(folder):
    panel, record = untimed(folder)["panel"], open_ascent(folder)
    assert list(panel["judges"]) == ["lenet-1", "knn"]
    assert panel["sets"]["clean"]["no_judge_agrees"] == 0
    for method in METHODS:
        rows = [row for row in record.panel_rows if row.kind == method]
        odds = [[row.log_odds for row in rows if row.run == start] for start in range(record.starts)]
        np.testing.assert_allclose(odds, record.log_odds[method], rtol=1e-6)
        found = panel["sets"][method]
        assert found["fooled"] == sum(row.log_odds >= FOOLED for row in rows)
        assert found["no_judge_agrees"] == sum(row.fools for row in rows)
        assert sum(found["no_judge_agrees_of_each_run"]) == found["no_judge_agrees"]
        seen = [any(says.agrees for says in row.judges.values()) for row in rows]
        assert [row.fools for row in rows] == [
            row.log_odds >= FOOLED and not agrees for row, agrees in zip(rows, seen, strict=True)
        ]


def test_judges_of_a_finished_ascent_are_asked_again_from_its_folder(copy, folder):
    before = json.loads((copy / "summary.json").read_text())
    (copy / "summary.json").write_text(json.dumps({**before, "panel": "not measured"}))
    (copy / "panel.csv").unlink()
    assert report.main([str(copy)]) == 0
    assert "Is it recognisable?" not in (copy / "index.html").read_text()
    assert report.main([str(copy), "--judges", "auto"]) == 0
    assert json.loads((copy / "summary.json").read_text()) == before
    assert (copy / "panel.csv").read_bytes() == (folder / "panel.csv").read_bytes()
    assert (copy / "index.html").read_bytes() == (folder / "index.html").read_bytes()
    assert "Is it recognisable?" in (copy / "index.html").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unregularised,0,", "elites,0,", "expected a table of what judges say"),
        ("unregularised,0,", "unregularised,7,", "found run 7, class 0"),
        ("unregularised,0,0,", "unregularised,0,1,", "expected each image once"),
    ],
)
def test_a_table_of_judges_of_other_images_is_refused(old, new, message, copy):
    table = (copy / "panel.csv").read_text()
    assert old in table
    (copy / "panel.csv").write_text(table.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        _ = open_ascent(copy).panel_rows


def test_nobody_is_asked_where_the_user_wants_none(flags, tmp_path):
    some = [*flags, "--methods", "adam", "--judges", "none", "--quiet"]
    assert mnist_gradient.main([*some, "--outdir", str(tmp_path / "r")]) == 0
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["panel"] == "not measured"
    assert "not measured" in (tmp_path / "r" / "index.html").read_text()
    assert not (tmp_path / "r" / "panel.csv").exists()
