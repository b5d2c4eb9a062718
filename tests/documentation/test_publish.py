"""Every number in the README and the pages of results comes from rows, and nothing slips in by hand."""

import importlib
import json
import re
import shutil
from dataclasses import asdict

import pytest
from hand_written import written_by_hand

from docs import publish, rows
from experiments import paper
from fooljax.cli.command_line import parse
from fooljax.errors import InputError
from fooljax.storage.json_files import read_json
from fooljax.study.claims import read_claims

ROOT = rows.ROOT
ALLOWED = [phrase for phrases in read_json(publish.TEMPLATES / "allowed.json").values() for phrase in phrases]
TEMPLATES = sorted(publish.templates())


@pytest.fixture(scope="module")
def rendered():
    return publish.pages()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_page_is_what_its_rows_say(rendered, name):
    path = publish.templates()[name]
    assert path.read_text(encoding="utf-8") == rendered[path], "run python -m docs.publish"


def test_every_page_with_results_has_a_template():
    pages = {ROOT / "README.md", ROOT / "docs" / "speed.md", *rows.RESULTS.rglob("*.md")}
    assert pages <= set(publish.templates().values())


@pytest.mark.parametrize("audit", rows.audits().values(), ids=rows.audits())
def test_a_published_audit_says_the_strength_of_its_attacks_in_sentences(audit):
    for line in audit.strength:
        assert re.match(r"The network (alone|with the detector \S+) was (not )?overcome[:,] .*\.$", line)
    assert "cpu:" not in audit.cost.machine


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_number_is_written_by_hand(name):
    source = (publish.TEMPLATES / name).read_text(encoding="utf-8")
    assert written_by_hand(source, ALLOWED) == []


@pytest.mark.parametrize(
    "words",
    [
        "fools 0 of 50 images",
        "in 96.6 to 97.1 % of cases",
        "it fooled fifty images",
        "seven of ten runs did it",
        "it did so in five runs",
        "three independent networks agree",
        "a median of 64.0 %",
        "half as much again",
        "| 1.7 % |",
        "{{ '64.0 %' }}",
        "{% set median = 0.64 %}{{ median | percent }}",
        "{{ 50 }} of them",
        "{{ '0 of 50' }}",
    ],
)
def test_a_number_written_by_hand_is_found(words):
    assert written_by_hand(f"Random search: {words}, as one sees.", ALLOWED)


def test_what_is_no_result_may_stand():
    text = (
        "99.99 % (figure 4), `--runs 5`:\n```\nmake 12\n```\n[page](a1.md) {{ row('b-target0.json').x[0] }}"
    )
    assert written_by_hand(text, ALLOWED) == []


def test_every_phrase_that_is_allowed_is_used():
    text = re.sub(r"\s+", " ", " ".join((publish.TEMPLATES / name).read_text("utf-8") for name in TEMPLATES))
    for phrase in ALLOWED:
        assert re.search(phrase, text), phrase


def test_what_the_paper_says_tells_how_it_was_verified():
    for fact in read_claims(paper.CLAIMS)[1].values():
        assert re.search("verified|recalled|derived", fact["mark"])


def test_figures_that_were_false_are_those_of_their_rows(rendered):
    paths = (rows.RESULTS / "mnist_direct").glob("random-search-target*.json")
    controls = [read_json(path)["rescored"] for path in paths]
    fooled, images = (sum(row[name] for row in controls) for name in ("images_at_9999", "images"))
    count = f"{fooled} of {images} images"
    (line,) = [line for line in rendered[ROOT / "README.md"].splitlines() if "| [MNIST, pixels]" in line]
    assert line.endswith(f"| {count} |")
    assert count.removesuffix(" images") in rendered[rows.RESULTS / "mnist_direct.md"]
    speed = rendered[ROOT / "docs" / "speed.md"]
    for one in read_json(rows.RESULTS / "benchmarks" / "peers.json")["ratios"]:
        (row,) = [
            line for line in speed.splitlines() if line.startswith(f"| {one['ours']} | {one['peer']} |")
        ]
        low, high = re.search(r"\[([\d.]+), ([\d.]+)\]", row).groups()
        assert float(low) <= one["ratio"]["min"]
        assert float(high) >= one["ratio"]["max"]


@pytest.mark.parametrize("folder", ["mnist_direct", "mnist_cppn", "storage"])
def test_the_commands_of_a_page_mean_what_its_rows_were_made_with(folder):
    for one in rows.searches(folder).values():
        if "settings" not in one.first:
            assert one.command.startswith("# not kept")
            continue
        _, _, module, *words = one.command.replace("\\\n", "").split()
        config = importlib.import_module(module).EXPERIMENT.config
        for row in one.rows:
            settings = row["settings"]
            flags = [
                str(settings[words[place - 1].strip("-").replace("-", "_")]) if word == "T" else word
                for place, word in enumerate(words)
            ]
            given, _ = parse(config, "", flags)
            meant = asdict(config(**given))
            assert {name: meant[name] for name in settings if name in meant} == settings


@pytest.mark.parametrize("page", ["mnist_direct", "mnist_cppn"])
def test_a_page_names_every_network_by_its_digest(rendered, page):
    text = rendered[rows.RESULTS / f"{page}.md"]
    for path in (rows.RESULTS / page).glob("*.json"):
        assert f"`{read_json(path)['target_sha256'][:8]}`" in text, path.name


def test_readme_is_short_and_its_cells_too(rendered):
    text = rendered[ROOT / "README.md"]
    assert len(text.splitlines()) <= 130
    for page in rendered.values():
        for line in page.splitlines():
            for cell in line.split("|")[1:-1] if line.startswith("|") else ():
                words = re.sub(r"\]\([^)]*\)", "]", cell).split()
                assert len(words) <= 25, cell


def test_no_link_is_dead(rendered):
    for path, text in rendered.items():
        for target, part in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", text):
            there = path.parent / target if target else path
            assert there.exists(), (path.name, target)
            if part:
                heads = re.findall(
                    r"^#+ (.*)$", rendered.get(there.resolve(), there.read_text("utf-8")), re.MULTILINE
                )
                slugs = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
                assert part[1:] in slugs, (path.name, target, part)


@pytest.fixture
def other_results(tmp_path, monkeypatch):
    """The rows in a place of their own, where a test may change those of searches.

    The tables of studies take long, and are made once, of the published rows.
    """
    shutil.copytree(
        rows.RESULTS, tmp_path / "results", ignore=shutil.ignore_patterns("*.png", "*.npz", "*.html")
    )
    monkeypatch.setattr(rows, "RESULTS", tmp_path / "results")

    def forget():
        for cached in (rows.row, rows.searches, rows.comparison):
            cached.cache_clear()

    forget()
    yield tmp_path / "results"
    forget()


def test_pages_follow_their_rows(other_results):
    """Networks that come and go, the verdict of a second one, an experiment that had no row."""
    for number in range(2, 5):
        (other_results / "mnist_direct" / f"paper-target{number}.json").unlink()
    alike = {"images": 50, "named_alike": 7}
    for number in range(2):
        path = other_results / "mnist_direct" / f"paper-target{number}.json"
        second = {
            "second_network": {"first_fooled": alike, "best": {"images": 50, "named_alike": 46 - number}}
        }
        changed = {**read_json(path), **second, "target_sha256": f"{number}" * 64, "clean_accuracy": 0.9906}
        path.write_text(json.dumps({**changed, "dataset": "mnist", "settings": {"generations": 1000}}))
    gradient = {
        "dataset": "mnist",
        "target": "LeNet",
        "target_sha256": "5" * 64,
        "clean_accuracy": 0.99,
        "control": {"start images, 8 bits": {"images_at_9999": 0, "images": 50, **odds(-2.7)}},
        "methods": {
            "adam": {"iterations": 77, "rescored": {"images_at_9999": 49, "images": 50, **odds(20.0)}},
            "seed_360": {"iterations": 9, "rescored": {"images_at_9999": 3, "images": 50, **odds(2.0)}},
        },
    }
    for path in (other_results / "mnist_gradient").glob("*.json"):
        path.unlink()
    (other_results / "mnist_gradient" / "paper-target0.json").write_text(json.dumps(gradient))
    pages = {path.name: text for path, text in publish.pages().items()}
    direct = pages["mnist_direct.md"]
    assert "LeNet (paper-full recipe) from MNIST's 60,000 digits, 2 networks" in direct
    assert "`00000000`" in direct
    assert "`11111111`" in direct
    assert "99.06 %" in direct
    assert "| 14 of 100 | 91 of 100 |" in direct
    assert "gives the same name to 14 of 100 of the images" in pages["README.md"].replace("\n", " ")
    assert "| adam | 77 | 49 of 50 |" in pages["mnist_gradient.md"]
    assert "6.2" in pages["mnist_gradient.md"]
    assert "49 of 50 images with Adam, 3 with the authors' best" in pages["README.md"]


def odds(value):
    return {"median_log_odds": value, "min_log_odds": value}


def test_a_row_that_is_missing_is_one_line(other_results, capsys):
    (other_results / "imagenet_cppn" / "summary.json").unlink()
    assert publish.main(["--check"]) == 2
    error = capsys.readouterr().err
    assert "imagenet_cppn/summary.json" in error
    assert error.count("\n") == 1
    (other_results / "imagenet_cppn" / "summary.json").write_text("{}")
    rows.row.cache_clear()
    with pytest.raises(InputError, match="cannot be filled"):
        publish.pages()


def test_the_check_names_a_page_that_is_not_what_rows_say(other_results, capsys):
    path = other_results / "mnist_direct" / "random-search-target0.json"
    changed = read_json(path)
    changed["rescored"]["images_at_9999"] = 4
    path.write_text(json.dumps(changed))
    assert publish.main(["--check"]) == 1
    error = capsys.readouterr().err
    assert "README.md, docs/results/mnist_direct.md: not what the rows say" in error


def test_seconds_are_told_where_all_rows_know_them(monkeypatch):
    found = [{"kind": "a", "wall_seconds": 1.5}, {"kind": "a", "wall_seconds": 2.0}, {"kind": "b"}]
    monkeypatch.setattr(rows, "study_rows", lambda name, of: found)
    assert rows.seconds_of("study", kind="a") == 3.5
    for chosen in ({}, {"kind": "b"}, {"kind": "c"}):
        with pytest.raises(InputError, match="seconds_of: expected rows of study with wall_seconds"):
            rows.seconds_of("study", **chosen)
