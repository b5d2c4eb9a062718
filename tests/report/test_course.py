"""The course of evolution as curves."""

import math

import numpy as np
import pytest
from pages import decode, metrics

from fooljax.errors import InputError
from fooljax.report import curves, png_bytes


def test_curves_leave_gaps_where_values_are_not_finite():
    given_metrics = metrics()
    given_metrics["min_log_odds"][:, :10] = -np.inf
    upper = curves(given_metrics).axes[0]
    dashed = [line for line in upper.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 4
    for line in dashed:
        assert np.all(np.isnan(line.get_ydata()[:10]))
        assert np.all(np.isfinite(line.get_ydata()[10:]))


def test_curves_show_the_median_over_runs_and_the_line_of_99_99_percent():
    upper = curves(metrics()).axes[0]
    medians = np.median(metrics()["median_log_odds"], axis=0)
    thick = [line for line in upper.lines if line.get_linewidth() == 2 and line.get_linestyle() == "-"]
    assert len(thick) == 1
    assert np.array_equal(thick[0].get_ydata(), medians)
    assert any(np.allclose(line.get_ydata(), math.log(9999)) for line in upper.lines)


@pytest.mark.parametrize("generations", [0, 1, 60])
@pytest.mark.parametrize("value", [None, -np.inf])
def test_curves_of_any_length_can_be_drawn(generations, value):
    given_metrics = metrics(runs=1, generations=generations)
    if value is not None:
        given_metrics["median_log_odds"][:] = given_metrics["min_log_odds"][:] = value
    assert decode(png_bytes(curves(given_metrics, title="$a$"))).shape[1] == 1800


def test_curves_refuse_missing_or_misshapen_metrics():
    with pytest.raises(InputError, match="min_log_odds"):
        curves({name: value for name, value in metrics().items() if name != "min_log_odds"})
    with pytest.raises(InputError, match="T \\+ 1"):
        curves(metrics() | {"replacements": np.zeros((3, 4))})


def sizes(runs=3, generations=60):
    rng = np.random.default_rng(5)
    return {
        name: np.cumsum(rng.random((runs, generations + 1)), axis=1) for name in ("net/nodes", "net/$x$_y")
    }


def test_curves_show_what_the_genomes_count_on_an_axis_of_its_own():
    assert len(curves(metrics()).axes) == 2
    figure = curves(metrics() | sizes(), sizes=list(sizes()))
    panel = figure.axes[2]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["nodes", "$x$ y"]
    thick = [line.get_ydata() for line in panel.lines if line.get_linewidth() == 2]
    for drawn, values in zip(thick, sizes().values(), strict=True):
        np.testing.assert_array_equal(drawn, np.median(values, axis=0))
    assert panel.get_ylim()[0] == 0
    assert decode(png_bytes(figure)).shape[0] > decode(png_bytes(curves(metrics()))).shape[0]
    with pytest.raises(InputError, match="missing net/nodes"):
        curves(metrics(), sizes=["net/nodes"])
    with pytest.raises(InputError, match="T \\+ 1"):
        curves(metrics() | sizes(generations=5), sizes=["net/nodes"])


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_sizes_that_are_zero_or_unknown_can_be_drawn(value):
    flat = {"net/nodes": np.full((3, 61), value)}
    png_bytes(curves(metrics() | flat, sizes=["net/nodes"]))
