"""Tables, findings and figures of generative classifiers, from made rows; and the small size."""

from base64 import b64encode

import numpy as np
import pytest

from experiments import generative as experiment
from fooljax import study
from fooljax.errors import InputError
from fooljax.report import generative as report
from fooljax.report.generative_figures import figures
from fooljax.study.images import sheet_of

LEVELS = ("0.9", "0.99", "0.999", "0.9999", "clean_median", "tpr_95", "tpr_99")


def made_rows(kind, odds, rejecting=""):
    """Rows of two networks with two runs; of a set's ten images seven have `odds`, the rest nothing."""
    generative = kind in ("vae", "mixture")
    for seed in range(2):
        name = f"{kind}-{seed}{rejecting}"
        yield {
            **{"kind": "network", "network": name, "clean_accuracy": 0.97, "noise": {"uniform_noise": 0.25}},
            "thresholds": {"raw": {"clean_median": 5.0}},
            "symptoms": {"zero_gradients": 0.0, "probabilities": False},
            **({"temperature": 6.0 + seed, "rejected": {"0.01": 0.01, "0.05": 0.04}} if generative else {}),
        }
        for generator in ("direct", "gradient"):
            for run in range(2):
                reached = [odds] * 7 + [-1.0] * 3
                shares = dict.fromkeys(LEVELS, float(np.mean(np.asarray(reached) >= 9.21)))
                fooled = sum(one >= 9.21 for one in reached)
                row = {
                    **{"kind": "images", "network": name, "generator": generator, "run": run},
                    **{"budget": 3000, "passes": 3000, "log_odds": reached, "images": 10, "fooled": fooled},
                    **{
                        "shares": {"raw": shares, "scaled": shares},
                        "agree": {"knn": 1},
                        "unseen": fooled // 2,
                    },
                    **{"fooled_agree": {"knn": fooled - fooled // 2}},
                    "passes_of_classes": None
                    if generator == "gradient"
                    else [1500] * fooled + [None] * (10 - fooled),
                    "passes_to_median": None if generator == "gradient" or fooled < 5 else 1500,
                }
                if generative:
                    row |= {"accepted": {"0.01": 2, "0.05": 1}, "fooled_accepted": {"0.01": 2, "0.05": 1}}
                if kind == "vae":
                    row |= {"more_steps": [odds] * 5 + [-1.0] * 5}
                if run == 0 and generator == "direct":
                    images = np.full((10, 8, 8, 1), 40 * seed, np.uint8)
                    row |= {"png": b64encode(sheet_of(images)).decode(), "shape": list(images.shape)}
                yield row


@pytest.fixture(scope="module")
def rows():
    return [
        *made_rows("lenet", 20.0),
        *made_rows("mixture", 12.0),
        *made_rows("mixture", 2.0, "-rejecting-0.01"),
        *made_rows("vae", 10.0),
        *made_rows("vae", -4.0, "-rejecting-0.05"),
    ]


def test_every_line_says_what_is_thresholded(rows):
    text = experiment.STUDY.tables(rows)
    assert "| LeNet | p(y given x) | 2 | 97.0 %" in text
    assert "| mixture | p(x, y), 1 % of clean images rejected |" in text
    assert "| VAE | p(x, y), 5 % of clean images rejected |" in text
    assert "6.0 to 7.0" in text
    assert "1,500 (4 of 4 runs)" in text
    assert "more than 3,000 (0 of 4 runs)" in text
    assert "20 of 28" in text  # of the VAE's images that fool, those that still do after more steps


def test_what_holds_stands_beside_the_signs_of_a_weak_attack(rows):
    lines = experiment.STUDY.tables(rows).partition("How strong the attacks were")[2].splitlines()
    assert "overcome" in next(line for line in lines if line.startswith("| LeNet"))
    held = next(line for line in lines if line.startswith("| VAE | p(x, y)"))
    assert "-4.0" in held
    assert "fewer than 5 runs" in held
    assert "not tested: plateau, budget" in held


def test_tables_do_not_depend_on_the_order_of_rows(rows):
    by_run = sorted(
        rows, key=lambda row: (row["kind"], row["network"], row.get("generator", ""), row.get("run", 0))
    )
    assert experiment.STUDY.tables(by_run) == experiment.STUDY.tables(rows)


def test_findings_are_shares_of_all_images(rows):
    found = experiment.findings(rows)
    assert found["lenet_direct_fools"].value.estimate == pytest.approx(0.7)
    assert found["vae_direct_more_steps"].value.estimate == pytest.approx(0.5)
    assert found["mixture_direct_likely_0.01"].value.estimate == pytest.approx(0.2)
    assert found["mixture-rejecting-0.01_best_fools"].value.estimate == 0.0
    assert found["lenet_direct_reached"].value.estimate == pytest.approx(0.7)
    assert "lenet_gradient_reached" not in found  # these rows do not say when it was reached
    assert found["vae_direct_unseen"].of == "4 runs on 2 networks"
    assert found["lenet_accuracy"].value.estimate == pytest.approx(0.97)


def test_an_ascent_that_lost_what_it_had_is_counted_as_reached_and_not_as_fooling(rows):
    lost = [
        {**row, "passes_of_classes": [400] * 9 + [None]} if row.get("generator") == "gradient" else row
        for row in rows
    ]
    found = experiment.findings(lost)
    assert found["vae_gradient_reached"].value.estimate == pytest.approx(0.9)
    assert found["vae_gradient_fools"].value.estimate == pytest.approx(0.7)


def test_the_figure_has_a_row_for_each_kind_and_none_without_images(rows):
    (name,) = figures(rows)
    assert name == "direct.png"
    assert figures([row for row in rows if "png" not in row]) == {}
    assert [report.kind_of(name) for name in ("vae-3", "lenet-paper-0", "vae-0-rejecting-0.05")] == [
        "vae",
        "lenet",
        "vae-rejecting-0.05",
    ]


def test_no_network_judges_images_that_are_made_for_it():
    config = experiment.STUDY.config(networks="lenet-0,mlp-0", judges="knn,mlp-0")
    with pytest.raises(InputError, match=r"^--judges: expected other networks than .*, got mlp-0 in both$"):
        list(experiment.STUDY.tasks(config, []))


def test_a_share_without_a_level_is_one_line():
    config = experiment.Config(networks="mixture-0", rejections="0.5")
    with pytest.raises(InputError, match=r"^--rejections: expected some of 0\.01, 0\.05, or none, got 0\.5$"):
        list(experiment.tasks(config, []))


@pytest.mark.slow  # it trains and evolves
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert experiment.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    rows = study.read_rows(tmp_path / "out" / "rows.jsonl")
    assert (tmp_path / "out" / "table.md").read_text() == experiment.STUDY.tables(rows)
    assert {row["network"] for row in rows} == {"lenet-0", "mixture-0", "mixture-0-rejecting-0.05"}
    assert (tmp_path / "out" / "direct.png").exists()
