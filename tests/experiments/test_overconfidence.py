"""Tables, flags and findings from made rows; and the small size."""

import numpy as np
import pytest

from experiments import overconfidence
from fooljax import study
from fooljax.errors import InputError
from fooljax.report import overconfidence as report
from fooljax.study.far_noise import NOISES
from fooljax.study.trainings import Training

LEVELS = ("0.9", "0.99", "0.999", "0.9999", "clean_median", "tpr_95", "tpr_99")


def made_rows(kind, odds):
    """Rows of three networks; images at 5,000 passes reach `odds`, and at 2,500 half a nat less."""
    for seed in range(3):
        of = {"network": Training("mlp", kind, 100, 10, seed).name, "training": kind, "seed": seed}
        sure = {"mmc": 0.9, "mmc_scaled": 0.8, "auroc": 0.25, "fpr_at_95_tpr_clean_positive": 0.5}
        sure |= {"share_9999": 0.125, "median_log_odds": 3.0}
        facts = {"clean_accuracy": 0.98, "zero_gradients": 0.0, "probabilities": False}
        yield {"kind": "network", **of, **sure, **facts, "thresholds": {"temperature": 1.25}}
        for noise in NOISES:
            yield {"kind": "noise", **of, **sure, "noise": noise, "count": 40}
        for source in ("uniform_noise", "clean"):
            rays = {"factors": [1.0, 10.0], "median_log_odds": [2.0, 20.0 + seed], "factor_999": 10.0}
            rays |= {"share_ever_999": 1.0, "clipped_share_95": 0.25}
            yield {"kind": "rays", **of, **rays, "source": source, "count": 40}
        for generator in ("direct", "gradient"):
            for budget in (2500, 5000):
                for run in range(2):
                    reached = odds - (budget == 2500) / 2.0
                    shares = dict.fromkeys(LEVELS, float(reached > 9.21))
                    yield {
                        **{"kind": "attack", **of, **sure, "generator": generator, "budget": budget},
                        **{"run": run, "log_odds": [reached] * 10, "passes_to_median": None},
                        "shares": {"raw": shares, "scaled": shares},
                    }


@pytest.fixture(scope="module")
def rows():
    return [*made_rows("plain", 12.0), *made_rows("adversarial", 1.0)]


def test_a_defence_is_never_shown_without_its_flags(rows):
    strengths = report.strengths(rows)
    assert strengths["plain"].overcome
    assert not strengths["adversarial"].overcome
    assert not any(strengths["adversarial"].flags.values())
    text = overconfidence.STUDY.tables(rows)
    assert "| plain | 3 | 98 % | 1.25 | overcome |" in text.replace("98.0 %", "98 %")
    assert "| uniform target on noise made to fool | 3 | 98" in text
    assert "holds, no flag raised" in text
    few = [row for row in rows if row.get("budget") != 2500 and row.get("generator") != "gradient"]
    assert "not tested: plateau, budget, masking" in overconfidence.STUDY.tables(few)


def test_tables_are_of_the_rows_alone_in_any_order(rows):
    text = overconfidence.STUDY.tables(rows)
    assert overconfidence.STUDY.tables(rows[::-1]) == text
    for head in ("AUROC", "FPR at 95 % TPR, clean positive", "factor to 99.9 %", "tpr_95"):
        assert f"| {head} |" in text
    assert set(report.figures(rows)) == {"rays.png", "attacks.png"}


def test_findings_are_of_the_largest_budget(rows):
    found = overconfidence.findings(rows)
    assert found["plain_direct_log_odds"].value.estimate == 12.0
    assert found["plain_direct_9999"].value.estimate == 1.0
    assert found["adversarial_direct_9999"].value.estimate == 0.0
    assert found["plain_uniform_noise_mmc"].value.estimate == pytest.approx(0.9)
    assert found["plain_rays"].of == "120 rays, 3 networks"


def test_findings_tell_what_gradient_ascent_missed_and_where_gradients_vanish(rows):
    vanish = [
        {**row, "zero_gradients": 0.985}
        if (row["kind"], row["training"], row["seed"]) == ("network", "adversarial", 1)
        else row
        for row in rows
    ]
    found = overconfidence.findings(vanish)
    assert found["adversarial_zero_gradients"].written == "98.5 %"
    assert found["adversarial_zero_gradients"].of == "1 of 3 networks"
    assert found["plain_zero_gradients"].of == "0 of 3 networks"
    assert found["adversarial_gradient_missed"].written == "73.1 %"  # log-odds of 1
    assert found["adversarial_gradient_missed"].of == "60 of 60 images"
    assert "plain_gradient_missed" not in found


def test_settings_that_name_nothing_are_one_line():
    with pytest.raises(InputError, match=r"^--passes: expected numbers .*, got 5k"):
        list(overconfidence.tasks(overconfidence.Config(passes="5k"), []))
    with pytest.raises(InputError, match=r"^--trainings: expected some of plain, exposed, adversarial"):
        list(overconfidence.tasks(overconfidence.Config(trainings="few"), []))


@pytest.mark.slow  # it trains and evolves
def test_the_small_size_needs_nothing_but_the_package(tmp_path):
    assert overconfidence.main(["--size", "smoke", "--outdir", str(tmp_path / "out"), "--quiet"]) == 0
    rows = study.read_rows(tmp_path / "out" / "rows.jsonl")
    assert (tmp_path / "out" / "table.md").read_text() == overconfidence.STUDY.tables(rows)
    assert all(np.isfinite(row["mmc"]) for row in rows if "mmc" in row)
