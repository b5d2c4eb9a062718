"""The page of claims: each names an experiment and rows that exist, and the page comes from rows alone."""

import importlib
import json
import re
import shlex
import subprocess
import sys

import pytest

from experiments import paper
from fooljax.study.claims import MISSING, read_claims, rows_at

CLAIMS, FACTS = read_claims(paper.CLAIMS)
NEEDS_MORE = re.compile(
    r"cppn_paper_(?:share_999|pixels|related).*|cppn_dogs|.*_near"
    r"|(?:efficientnet|tiny-darknet|photographs|cifar10).*"
    r"|plain_rays|vae[_-].*|(?:size_slope|exposed_a12)_(?:cppn|gradient)"
    r"|(?:size|shifted|few)_scaled_(?:slope|apart)_(?:cppn|direct|gradient)"
)
"""Numbers that the small size does not give: the paper's search takes long, and some need photographs."""
LARGE = re.compile(r"[a-z_]+_(?:imagenet|cifar10|photographs|subset100|three_networks|paper_sizes)/.*")
"""Rows of networks for photographs, and of sets of the paper's sizes, which have no small size."""
BESIDE = (
    *("mnist_direct", "mnist_cppn", "mnist_gradient"),
    *("clean_accuracy", "class_difficulty", "random_pictures"),
    *("picbreeder", "overconfidence", "training_data", "hidden", "artists", "detectors", "generative"),
)
"""What a second process does of the small size: half of the work, and no study of shared image sets."""
CHECKS = [(claim.name, check) for claim in CLAIMS for check in claim.checks]


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[f"{name}-{check.finding}" for name, check in CHECKS])
def test_a_claim_names_an_experiment_and_where_its_number_must_lie(name, check):
    assert callable(importlib.import_module(f"experiments.{check.experiment}").findings)
    assert any(end is not None for end in (check.least, check.most, check.above, check.below))
    assert check.what
    assert check.wanted


def test_claims_have_names_of_their_own_and_the_paper_s_numbers_a_mark():
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.chapter for claim in CLAIMS} <= set(paper.CHAPTERS)
    assert all(re.search("verified|recalled|derived", fact["mark"]) for fact in FACTS.values())


def test_published_numbers_are_rebuilt_from_rows():
    """By hand: the share of images that random search on pixels brought to 99.99 %."""
    rows = rows_at(paper.PUBLISHED, "mnist_direct/random-search-target*")
    fooled = sum(row["rescored"]["images_at_9999"] for row in rows)
    images = sum(row["rescored"]["images"] for row in rows)
    (answer,) = [answer for answer in paper.published() if answer.claim.name == "mnist_direct"]
    (control,) = [held for held in answer.found if held.check.control]
    assert control.finding.value.estimate == pytest.approx(fooled / images)


def test_without_rows_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "PUBLISHED", tmp_path / "nowhere")
    page = paper.write_page(tmp_path, "paper")
    assert page.read_text(encoding="utf-8").count(f'">{MISSING}</span>') == len(CLAIMS)


def test_rows_of_ones_own_come_before_the_published(tmp_path):
    rows = paper.PUBLISHED / "mnist_direct"
    (tmp_path / "mnist_direct").mkdir()
    for path in rows.glob("paper-target*.json"):
        summary = json.loads(path.read_text(encoding="utf-8"))
        summary["generations_to_median_9999"] = [7] * summary["runs"]
        (tmp_path / "mnist_direct" / path.name).write_text(json.dumps(summary), encoding="utf-8")
    text = paper.write_page(tmp_path, "paper").read_text(encoding="utf-8")
    assert ">7 [" in text


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    called = []

    class Made:
        @staticmethod
        def main(words):
            called.append(words)
            return 0

    monkeypatch.setattr(paper.importlib, "import_module", lambda name: Made)
    step = paper.Step("mnist_direct", "mnist_direct/paper-target0", ("--size", "smoke"))
    folder = tmp_path / step.folder
    assert paper.do(step, tmp_path) == 0
    assert called.pop() == ["--size", "smoke", "--outdir", str(folder), "--quiet"]
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert paper.do(step, tmp_path) == 0
    assert called.pop() == ["--resume", str(folder), "--quiet"]
    (folder / "summary.json").write_text("{}")
    assert paper.do(step, tmp_path) == 0
    assert not called


def test_only_some_experiments_are_done_where_they_are_named():
    planned = list(paper.steps("smoke", {}))
    assert paper.only(planned, None) == planned
    some = paper.only(planned, "transfer,mnist_direct")
    assert {step.experiment for step in some} == {"transfer", "mnist_direct"}
    assert some == [step for step in planned if step in some]


@pytest.mark.parametrize("only", ["transfr", "", "transfer,"])
def test_an_experiment_that_there_is_not_is_told(only, tmp_path, capsys):
    assert paper.main(["--only", only, "--outdir", str(tmp_path / "paper")]) == 2
    assert capsys.readouterr().err.startswith("error: --only: expected some of mnist_direct, ")
    assert not (tmp_path / "paper").exists()


def test_a_file_in_place_of_the_folder_is_told_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert paper.main(["--outdir", str(tmp_path / "file")]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == f"error: --outdir: expected a folder, found a file at {tmp_path / 'file'}\n"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["index.html", "notes.txt"])
def test_a_folder_with_somebody_s_files_is_left_alone(name, tmp_path, capsys):
    (tmp_path / name).write_text("mine")
    assert paper.main(["--only", "artists", "--outdir", str(tmp_path)]) == 2
    told = f"expected a new or empty folder or one of this command, found {name} in it"
    assert capsys.readouterr().err == f"error: --outdir {tmp_path}: {told}\n"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_the_folders_of_all_steps_are_known_as_this_command_s(tmp_path):
    for step in [*paper.steps("smoke", {}), *paper.steps("paper", EVERYTHING)]:
        (tmp_path / step.folder).mkdir(parents=True, exist_ok=True)
    paper.check_outdir(tmp_path)
    paper.write_page(tmp_path, "smoke")
    paper.check_outdir(tmp_path)


@pytest.mark.parametrize(
    ("flag", "given", "told"),
    [
        ("--imagefolder", "file", "expected a folder, found a file at "),
        ("--imagefolder", "nowhere", "expected a folder, found none at "),
        ("--imagefolder", ".", "expected images in folders of classes, found none in "),
        ("--weights", "nowhere", "expected a folder, found none at "),
        ("--images", "file", "expected a folder, found a file at "),
        ("--genomes", "nowhere", "expected a folder, found none at "),
        ("--data", "idx:nowhere", "expected idx:DIR with an existing folder, got "),
        ("--cifar10", "npz:nowhere", "expected npz:PATH "),
    ],
)
def test_what_is_given_is_read_before_any_work(flag, given, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert paper.main([flag, given, "--outdir", "paper"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"error: {flag}: {told}")
    assert not (tmp_path / "paper").exists()


EVERYTHING = {
    **{"data": "idx:digits", "cifar10": "npz:cifar10", "fashion": "idx:fashion", "images": "images"},
    **{
        "imagefolder": "imagenet",
        "photographs": "folder:32:photographs",
        "weights": "weights",
        "genomes": "genomes",
    },
}
OF_FILES = {"--data", "--others", "--weights", "--imagefolder", "--genomes", "--images", "--outdir"}
"""Flags that tell where files are, which differ from reader to reader."""


def settings_of(words):
    """The flags of a command with their values, but for those of files."""
    flags = dict(zip(words[::2], words[1::2], strict=True))
    return {flag: value for flag, value in flags.items() if flag not in OF_FILES}


def commands_of_pages():
    """By experiment, the settings of each command on a page; dots stand for those of the last whole one."""
    found = {}
    for page in sorted(paper.PUBLISHED.glob("*.md")):
        for block in re.findall(r"```\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("python -m experiments."):
                    _, _, module, *words = shlex.split(line, comments=True)
                    name, settings = module.removeprefix("experiments."), settings_of(words)
                    whole = settings
                elif line.startswith("... "):
                    settings = {**whole, **settings_of(shlex.split(line, comments=True)[1:])}
                else:
                    continue
                found.setdefault(name, []).append(settings)
    return found


def test_the_paper_s_size_gives_the_commands_of_the_pages():
    pages = commands_of_pages()
    pages["class_difficulty"].append({"--size": "paper"})  # what of it is done without photographs
    for step in paper.steps("paper", EVERYTHING):
        told = f"no page gives it; change experiments/published_commands.py, or the searches: {step}"
        settings = settings_of(step.flags)
        settings |= {flag: "T" for flag in ("--seed", "--target-seed") if flag in settings}
        assert settings in pages[step.experiment], told


def test_a_published_command_is_done_where_it_has_what_it_needs():
    folders = {
        name: {step.folder for step in paper.steps("paper", given)}
        for name, given in (
            ("digits", {}),
            ("CIFAR-10", {"cifar10": "npz:DIR", "weights": "DIR"}),
            ("all", EVERYTHING),
        )
    }
    assert {"detectors", "retraining", "retraining_paper_sizes", "artists"} < folders["digits"]
    assert {"detectors_cifar10", "retraining_large_cifar10", "training_data_cifar10"} < (
        folders["CIFAR-10"] - folders["digits"]
    )
    assert all(name.endswith("_cifar10") for name in folders["CIFAR-10"] - folders["digits"])
    rows = {path.parent.name for path in paper.PUBLISHED.glob("*/rows")}
    assert rows - {"audits"} <= folders["all"]


def test_the_small_size_is_for_digits_alone():
    steps = list(paper.steps("smoke", EVERYTHING))
    assert not any("cifar10" in word or "photographs" in word for step in steps for word in step.flags)
    assert {"recognisable", "transfer"} < {step.experiment for step in steps if "--weights" in step.flags}


def test_what_a_second_process_does_is_part_of_it():
    assert set(BESIDE) < {step.experiment for step in paper.steps("smoke", {})}


@pytest.mark.slow
def test_the_small_size_measures_every_claim_and_is_not_done_twice(tmp_path):
    words = ["--size", "smoke", "--outdir", str(tmp_path)]
    experiments = dict.fromkeys(step.experiment for step in paper.steps("smoke", {}))
    here = [name for name in experiments if name not in BESIDE]
    command = [sys.executable, "-m", "experiments.paper", *words, "--only", ",".join(BESIDE)]

    def rows_of_all():
        with subprocess.Popen(command) as other:
            assert paper.main([*words, "--only", ",".join(here)]) == 0
        assert other.returncode == 0
        return {path: path.read_bytes() for path in tmp_path.rglob("*.json") if path.name != "config.json"}

    rows = rows_of_all()
    answers = paper.answers_from([tmp_path, paper.PUBLISHED])
    checks = [held.check for answer in answers for held in answer.found if held.finding is None]
    missing = [check.finding for check in checks if not LARGE.fullmatch(check.rows)]
    assert all(map(NEEDS_MORE.fullmatch, missing)), missing
    assert rows_of_all() == rows


@pytest.mark.parametrize("size", paper.NETWORKS)
def test_every_step_is_a_command_with_its_flags(size):
    from fooljax.cli.command_line import parse
    from fooljax.cli.size_flag import add_size

    for step in paper.steps(size, EVERYTHING):
        module = importlib.import_module(f"experiments.{step.experiment}")
        what = module.STUDY if step.experiment in paper.STUDIES else module.EXPERIMENT
        sizes = module.SIZES if step.experiment in paper.STUDIES else what.sizes
        parse(what.config, "", list(step.flags), more=lambda parser, sizes=sizes: add_size(sizes, parser))


def test_every_rows_of_a_search_are_those_of_a_step():
    folders = {step.folder for step in paper.steps("paper", {})}
    for _, check in CHECKS:
        if check.experiment.startswith("mnist_"):
            stem = check.rows.removesuffix("*")
            assert any(folder.startswith(stem) for folder in folders), check.rows


def test_the_published_rows_that_claims_of_chapter_1_name_are_there():
    for _, check in CHECKS:
        if check.experiment not in paper.STUDIES:
            assert rows_at(paper.PUBLISHED, check.rows), check.rows
