"""A search that begins with the elites of another run."""

import json
import shutil

import numpy as np
import pytest
from pages import one_line

from experiments import mnist_cppn, mnist_direct


def test_a_run_may_begin_with_the_elites_of_another(settings, finished, tmp_path):
    outdir = tmp_path / "further"
    flags = ["--init-from", str(finished), "--generations", "10", "--seed", "5", "--quiet"]
    assert mnist_direct.main([*settings, *flags, "--outdir", str(outdir)]) == 0
    before, after = (json.loads((path / "summary.json").read_text()) for path in (finished, outdir))
    with np.load(finished / "archive.npz") as archive:
        best = archive["fitness"].max(axis=0)
        elites = sum(len(np.unique(ids)) for ids in archive["ids"])
    assert after["generation_0"]["min_log_odds"] == pytest.approx(best.min(), abs=1e-4)
    assert after["median_log_odds"] > np.median(best)
    assert after["evaluations"] == 2 * (elites + 10 * 16)
    assert after["evaluations_before"] == before["evaluations"] == 2 * 16 * 31
    page = (outdir / "index.html").read_text()
    assert "Before this search" in page
    assert "had cost 992 before" in page
    assert "Control: random images" not in page
    # Chains of runs add up.
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "12", "--quiet"]) == 0
    last = tmp_path / "last"
    assert mnist_direct.main([*settings, "--init-from", str(outdir), "--quiet", "--outdir", str(last)]) == 0
    third = json.loads((last / "summary.json").read_text())
    assert third["evaluations_before"] == 992 + 2 * (elites + 12 * 16)


def test_a_run_goes_on_when_what_it_began_with_is_gone(settings, copied, tmp_path, capsys):
    outdir = tmp_path / "further"
    flags = ["--init-from", str(copied), "--generations", "10", "--quiet", "--outdir", str(outdir)]
    assert mnist_direct.main([*settings, *flags]) == 0
    shutil.rmtree(copied)
    # What a later version adds as a setting, an older config lacks.
    config = json.loads((outdir / "config.json").read_text())
    del config["settings"]["rate_floor"]
    (outdir / "config.json").write_text(json.dumps(config))
    assert mnist_direct.main(["--resume", str(outdir), "--generations", "12", "--quiet"]) == 0
    assert json.loads((outdir / "summary.json").read_text())["evaluations_before"] == 992
    shutil.rmtree(outdir / "checkpoints")
    before = (outdir / "archive.npz").read_bytes()
    assert mnist_direct.main(["--resume", str(outdir), "--quiet"]) == 0
    assert (outdir / "archive.npz").read_bytes() == before
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (None, "", "expected a run folder, found nothing there"),
        ("archive.npz", None, "expected a finished run, found no archive.npz in it"),
        ("summary.json", None, "expected a finished run, found no summary.json in it"),
        ("summary.json", "{}", "summary.json: expected an entry rescored, found none"),
        (
            "summary.json",
            '{"rescored": {}, "target_sha256": "", "evaluations": "some"}',
            "expected numbers of evaluations, found none",
        ),
    ],
)
def test_only_finished_runs_can_be_begun_from(file, content, message, settings, copied, tmp_path, capsys):
    earlier = copied if file else tmp_path / "none"
    if content is not None and file:
        (copied / file).write_text(content)
    elif file:
        (copied / file).unlink()
    outdir = tmp_path / "further"
    assert (
        mnist_direct.main([*settings, "--init-from", str(earlier), "--outdir", str(outdir), "--quiet"]) == 2
    )
    line = one_line(capsys)
    assert line.startswith("error: --init-from: ")
    assert message in line
    assert not outdir.exists()


@pytest.mark.parametrize(
    ("module", "flags", "message"),
    [
        (
            mnist_direct,
            ["--storage", "uint8"],
            "would be other images with these settings; there: --storage float32",
        ),
        (mnist_cppn, [], "was made with the encoding direct, got cppn"),
        (mnist_direct, ["--data", "embedded"], "expected images [28, 28, 1], those of"),
    ],
)
def test_genomes_must_mean_the_same_images(module, flags, message, settings, finished, tmp_path, capsys):
    outdir = tmp_path / "further"
    command = [*settings, *flags, "--init-from", str(finished), "--outdir", str(outdir), "--quiet"]
    assert module.main(command) == 2
    assert message in one_line(capsys)
    assert not outdir.exists()
