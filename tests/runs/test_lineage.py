"""Ancestries: recorded whole and once, whatever happens to the run; and drawn as a strip."""

import json
import shutil

import jax
import numpy as np
import pytest
from kill_and_resume import content
from pages import one_line
from PIL import Image
from toys import ENCODING, STRATEGY, target

from experiments import mnist_direct
from fooljax.cli import lineage
from fooljax.encodings import direct
from fooljax.engine.log_odds import confidence
from fooljax.evolution import search
from fooljax.runs.ancestry import Ancestry, Recorder, line_of, load_ancestry
from fooljax.scoring import score
from fooljax.storage.trees import load_arrays, save_tree
from fooljax.strategies import random_search

KEY = jax.random.key(3)


class Killed(Exception):
    pass


def record(folder, *, killed_at=None, fooled=None, strategy=STRATEGY, **changes):
    """A recorded search in a run folder; `killed_at`: it dies at this generation, before the checkpoint."""
    folder.mkdir(exist_ok=True)
    recorder = Recorder(folder, ENCODING)

    def on_chunk(progress):
        recorder.chunk_done(progress.generation)
        if progress.generation == killed_at:
            raise Killed

    settings = {"generations": 30, "runs": 2, "checkpoints": folder / "checkpoints", **changes}
    found = search(
        fooled or target(),
        ENCODING,
        strategy,
        key=KEY,
        on_chunk=on_chunk,
        on_replacements=recorder.take,
        **settings,
    )
    if found.completed:
        recorder.finish(found.generations)
    return found


def killed(folder, generation, **changes):
    with pytest.raises(Killed):
        record(folder, killed_at=generation, **changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, record(folder)


def table(folder):
    return (folder / "lineage.npz").read_bytes()


def check(ancestry):
    """Every parent is known, in an earlier generation of the same run; rows are in order, each once."""
    born = {}
    places = list(
        zip(ancestry.run.tolist(), ancestry.generation.tolist(), ancestry.cell.tolist(), strict=True)
    )
    assert places == sorted(set(places))
    for (run, generation, _), image in zip(places, ancestry.id.tolist(), strict=True):
        assert born.setdefault((run, image), generation) == generation
    for (run, generation, _), parents in zip(places, ancestry.parents.tolist(), strict=True):
        for parent in parents:
            assert (parent == -1) == (generation == 0)
            assert parent == -1 or born[run, parent] < generation


def test_all_replacements_are_recorded_and_parents_are_known(whole):
    folder, found = whole
    ancestry = load_ancestry(folder, ENCODING)
    check(ancestry)
    assert len(ancestry.run) == found.metrics["replacements"].sum()
    for run in range(2):
        for cell in range(4):
            (*_, last) = line_of(ancestry, run, cell)
            assert ancestry.id[last[0]] == found.archive.ids[run, cell]
            assert cell in ancestry.cell[last]
            np.testing.assert_array_equal(
                ancestry.genomes[ancestry.genome[last[0]]], found.archive.genomes[run, cell]
            )
    assert not (folder / "lineage").exists()


def test_an_image_that_takes_several_cells_is_kept_once(tmp_path):
    twins = target()
    twins.params["out"] = twins.params["out"].at[:, 1].set(twins.params["out"][:, 0])
    record(tmp_path, fooled=twins)
    ancestry = load_ancestry(tmp_path, ENCODING)
    check(ancestry)
    images = set(zip(ancestry.run.tolist(), ancestry.id.tolist(), strict=True))
    assert len(ancestry.genomes) == len(images) < 0.9 * len(ancestry.run)
    assert any(len(rows) > 1 for rows in line_of(ancestry, 0, 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Killed with a checkpoint at 14 and a part of 15 to 21; then in other chunks.
        ({"generation": 21, "chunk": 7, "checkpoint_seconds": 0.0}, {"chunk": 4}),
        # Killed without any checkpoint: it starts over, and no part of before may stay.
        ({"generation": 21, "chunk": 7, "checkpoint_seconds": 1e9}, {"chunk": 5}),
        ({"generation": 0}, {}),
        ({"generation": 30}, {"chunk": 30}),
    ],
)
def test_a_killed_run_records_the_same(tmp_path, whole, before, after):
    killed(tmp_path, **before)
    assert list((tmp_path / "lineage").iterdir())
    record(tmp_path, resume=True, **after)
    assert table(tmp_path) == table(whole[0])
    assert not (tmp_path / "lineage").exists()


def test_a_stopped_run_records_the_same_and_knows_all_parents(tmp_path, whole):
    answers = iter([False, True])
    assert not record(tmp_path, stop=lambda: next(answers)).completed
    assert not (tmp_path / "lineage.npz").exists()
    record(tmp_path, resume=True)
    assert table(tmp_path) == table(whole[0])


def test_a_longer_run_takes_up_the_finished_one(tmp_path, whole):
    record(tmp_path, generations=13)
    killed(tmp_path, 23, resume=True)
    assert load_arrays(tmp_path / "lineage.npz")[2]["last"] == 13
    record(tmp_path, resume=True)
    assert table(tmp_path) == table(whole[0])
    # Once more, with nothing left to do.
    record(tmp_path, resume=True)
    assert table(tmp_path) == table(whole[0])


def test_a_finished_run_that_falls_back_to_an_older_checkpoint(tmp_path, whole):
    record(tmp_path, checkpoint_seconds=0.0)
    (tmp_path / "checkpoints" / "generation-000000030.npz").write_bytes(b"damaged")
    answers = iter([False, True])
    record(tmp_path, resume=True, chunk=3, stop=lambda: next(answers))
    assert table(tmp_path) == table(whole[0])
    record(tmp_path, resume=True)
    assert table(tmp_path) == table(whole[0])


def test_killed_between_merging_and_removing_the_parts(tmp_path, whole, monkeypatch):
    def die(*_, **__):
        raise Killed

    monkeypatch.setattr("fooljax.runs.ancestry.shutil.rmtree", die)
    with pytest.raises(Killed):
        record(tmp_path)
    monkeypatch.undo()
    assert list((tmp_path / "lineage").iterdir())
    record(tmp_path, resume=True)
    assert table(tmp_path) == table(whole[0])


def test_an_early_end_under_any_chunking(tmp_path):
    ends = [
        record(tmp_path / str(chunk), until=0.9, generations=500, chunk=chunk).generations
        for chunk in (10, 4)
    ]
    assert ends[0] == ends[1] < 500
    assert table(tmp_path / "10") == table(tmp_path / "4")
    check(load_ancestry(tmp_path / "4", ENCODING))


def test_generation_zero_alone(tmp_path):
    record(tmp_path, generations=0)
    ancestry = load_ancestry(tmp_path, ENCODING)
    check(ancestry)
    assert [len(line_of(ancestry, 1, cell)) for cell in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("spoil", ["missing", "damaged"])
def test_a_lost_part_costs_the_ancestries_and_not_the_run(tmp_path, caplog, spoil):
    killed(tmp_path, 20, checkpoint_seconds=0.0)
    part = tmp_path / "lineage" / "generation-000000001.npz"
    part.unlink() if spoil == "missing" else part.write_bytes(part.read_bytes()[:-9])
    assert record(tmp_path, resume=True).completed
    assert "this run keeps no lineage.npz" in caplog.text
    assert ("replacements after generation 0 were not found" in caplog.text) == (spoil == "missing")
    assert not (tmp_path / "lineage.npz").exists()
    assert not (tmp_path / "lineage").exists()


def test_random_search_has_no_ancestors(tmp_path):
    record(tmp_path, strategy=random_search(ENCODING, batch_size=16))
    ancestry = load_ancestry(tmp_path, ENCODING)
    assert np.all(ancestry.parents == -1)
    assert len(line_of(ancestry, 0, 0)) == 1


def test_a_line_by_hand():
    """Image 4 takes cells 0 and 1 in generation 1; its child 9 takes cell 1, and 12 is a child of 9 and 2."""
    rows = [
        (0, 0, 0, 2, -1, -1),
        (0, 0, 1, 3, -1, -1),
        (0, 1, 0, 4, 3, 2),
        (0, 1, 1, 4, 3, 2),
        (0, 2, 1, 9, 4, 2),
        (0, 3, 0, 12, 9, 2),
        (1, 0, 0, 1, -1, -1),
    ]
    run, generation, cell, image, first, second = np.asarray(rows, np.int32).T
    parents = np.stack([first, second], axis=1)
    ancestry = Ancestry(run, generation, cell, image, parents, np.arange(7), np.zeros(7))
    assert [rows.tolist() for rows in line_of(ancestry, 0, 0)] == [[1], [2, 3], [4], [5]]
    assert [rows.tolist() for rows in line_of(ancestry, 0, 1)] == [[1], [2, 3], [4]]
    assert [rows.tolist() for rows in line_of(ancestry, 1, 0)] == [[6]]
    assert line_of(ancestry, 1, 1) == []


def test_recording_changes_nothing(settings, finished, tmp_path):
    settings = [word for word in settings if word != "--lineage"]
    assert mnist_direct.main([*settings, "--quiet", "--outdir", str(tmp_path / "r")]) == 0
    recorded = content(finished)
    assert recorded.pop("lineage.npz")
    assert content(tmp_path / "r") == recorded
    assert "--lineage" not in (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "--lineage" in (finished / "index.html").read_text(encoding="utf-8")


def texts(monkeypatch):
    """The captions and the text of strips that are drawn from now on."""
    calls, genuine = [], lineage.strip

    def spy(images, captions, text):
        calls.append((images, captions, text))
        return genuine(images, captions, text)

    monkeypatch.setattr(lineage, "strip", spy)
    return calls


def test_the_command_draws_the_line(finished, tmp_path, monkeypatch, capsys):
    from fooljax import data as datasets
    from fooljax.targets import lenet

    calls = texts(monkeypatch)
    output = tmp_path / "line.png"
    flags = [str(finished), "--cell", "2", "--run", "1", "--most", "5", "--output", str(output)]
    assert lineage.main(flags) == 0
    path, length = capsys.readouterr().out.splitlines()
    assert path == str(output)
    assert Image.open(output).size[0] > 1000
    ((images, captions, text),) = calls
    ancestry = load_ancestry(finished, direct((16, 16, 1)))
    line = line_of(ancestry, 1, 2)
    assert length == f"lineage: {len(line)} images, the elite included"
    assert len(line) > 5
    assert "5 of them, evenly spaced, are shown" in text[0]
    assert "from a random image to the elite" in text[0]
    assert len(captions) == 5
    assert captions[0][0] == "gen. 0"
    assert captions[-1][0] == f"gen. {ancestry.generation[line[-1][0]]}"
    assert "2" in captions[-1][1].removeprefix("took ").split(", ")
    # The elite last, as its file has it, with the confidence of that file.
    (elite,) = (finished / "elites").glob("run01-class002-*.png")
    np.testing.assert_array_equal(images[-1][..., 0], np.asarray(Image.open(elite)))
    config = json.loads((finished / "config.json").read_text())["settings"]
    odds = score(lenet(datasets.load(config["data"])), images)[:, 2]
    assert captions[-1][2] == lineage.format_confidence(odds[-1])
    assert float(elite.stem.rsplit("-", 1)[1]) == pytest.approx(confidence(odds[-1]), abs=3e-6)


def test_an_elite_without_parents(settings, tmp_path, monkeypatch, capsys):
    flags = [
        *settings,
        "--generations",
        "3",
        "--strategy",
        "random_search",
        "--quiet",
        "--outdir",
        str(tmp_path / "r"),
    ]
    assert mnist_direct.main(flags) == 0
    calls = texts(monkeypatch)
    assert lineage.main([str(tmp_path / "r"), "--cell", "3"]) == 0
    assert capsys.readouterr().out.endswith("lineage: 1 image, the elite included\n")
    ((_, _, text),) = calls
    assert text[0] == "The image of run 0 for class 3 was made at random, so it has no parents."


@pytest.mark.parametrize("loss", ["another target", "no data"])
def test_without_its_target_a_line_has_no_confidences(loss, finished, tmp_path, monkeypatch, caplog):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    name, old, new = {
        "another target": ("target.json", '"params_sha256": "', '"params_sha256": "0'),
        "no data": ("config.json", '"idx:', '"idx:/nowhere'),
    }[loss]
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    calls = texts(monkeypatch)
    assert lineage.main([str(folder), "--cell", "0"]) == 0
    assert "drawn without confidences" in caplog.text
    ((_, captions, _),) = calls
    assert all(len(lines) == 2 for lines in captions)
    assert (folder / "lineage_run0_class0.png").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--cell", "4"], "--cell: expected a class of"),
        (["--cell", "-1"], "--cell: expected a class of"),
        (["--cell", "x"], "got x"),
        (["--cell", "0", "--run", "2"], "--run: expected 0 to 1 for"),
        (["--cell", "0", "--most", "1"], "--most: expected a number from 2 to 200, got 1"),
        (["--cell", "0", "--output", "x.jpg"], "--output: expected a name that ends in .png, got x.jpg"),
        ([], "the following arguments are required: --cell"),
    ],
)
def test_bad_flags_are_one_line(flags, message, finished, capsys):
    assert lineage.main([str(finished), *flags]) == 2
    assert message in one_line(capsys)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("lineage.npz", "expected lineage.npz, found none: the run did not record ancestors"),
        ("archive.npz", "expected a finished run, found no archive.npz in it"),
        ("config.json", "expected a run folder, found no config.json in it"),
    ],
)
def test_a_folder_without_its_files_is_one_line(lost, message, finished, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    (folder / lost).unlink()
    assert lineage.main([str(folder), "--cell", "0"]) == 2
    assert message in one_line(capsys)


def test_a_folder_of_no_known_experiment_is_one_line(finished, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    (folder / "config.json").write_text('{"experiment": "poster", "settings": {}}')
    assert lineage.main([str(folder), "--cell", "0"]) == 2
    assert "expected an experiment that evolves images" in one_line(capsys)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("lineage.npz", {"genome": 10**6}, "lineage.npz: expected genome in 0 to"),
        ("lineage.npz", {"genome": -1}, "lineage.npz: expected genome in 0 to"),
        ("lineage.npz", {"cell": 1000}, "expected an ancestry of 4 cells, found more"),
        ("lineage.npz", {"cell": -1}, "lineage.npz: expected cell in 0 to"),
        ("lineage.npz", {"generation": 31}, "lineage.npz: expected generation in 0 to 30, found 31"),
        ("lineage.npz", {"genomes": np.nan}, "lineage.npz: genome 0: expected finite numbers"),
        ("lineage.npz", {"facts": {"rows": float("inf")}}, "expected a table of replacements"),
        ("lineage.npz", {"facts": {"last": "x"}}, "expected a table of replacements"),
        (
            "archive.npz",
            {"genomes": 2.0},
            "archive.npz: genome 0: expected finite numbers in [0, 1], found 2",
        ),
        ("archive.npz", {"facts": {"cells": [float("inf")]}}, "expected the folder of a run"),
        ("archive.npz", {"facts": {"cells": [0, 1, 2, 9]}}, "expected cells of 4 classes"),
        ("archive.npz", {"facts": {"image_shape": [10**9, 10**9, 1]}}, "expected images of 1 to 65536"),
        ("archive.npz", {"facts": {"image_shape": [16, 16]}}, "expected the folder of a run"),
    ],
)
def test_impossible_content_is_one_line(name, change, message, finished, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder)
    arrays, _, facts = load_arrays(folder / name)
    for key, value in change.items():
        if key == "facts":
            facts |= value
        else:
            arrays[key][np.nonzero(arrays[key]) if key == "cell" else 0] = value
    save_tree(folder / name, arrays, facts)
    assert lineage.main([str(folder), "--cell", "0"]) == 2
    assert message in one_line(capsys)
