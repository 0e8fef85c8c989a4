"""The Manhattan and QQ panels, driven by the state alone."""

import numpy as np
import pandas as pd
import pyqtgraph as pg
import pytest
import shiboken6
from PySide6.QtCore import Qt

from music_gui.core.association.genome_axis import genome_axis, quantile_plot
from music_gui.state.association import AssociationResult
from music_gui.views.association.panels import ManhattanPanel, QQPanel
from music_gui.views.widgets import palette

pytestmark = pytest.mark.gui


def make_result(n=5000, *, top=1234, psc="C32_4"):
    rng = np.random.default_rng(7)
    chromosome = np.sort(rng.integers(1, 23, n)).astype(str).astype(object)
    position = rng.integers(1, 200_000_000, n)
    order = np.lexsort((position, chromosome.astype(int)))
    chromosome, position = chromosome[order], position[order]
    neg_log_10 = -np.log10(rng.uniform(size=n))
    neg_log_10[top] = 12.3
    neg_log_10[top + 1] = np.nan
    variants = pd.DataFrame(
        {
            "chromosome": chromosome,
            "base_pair_location": position,
            "rsid": [f"rs{i}" for i in range(n)],
            "effect_allele": "A",
            "other_allele": "G",
            "effect_allele_frequency": 0.3,
            "n": 240,
        }
    )
    return AssociationResult(
        run="example",
        psc=psc,
        variants=variants,
        beta=np.full(n, 0.5),
        standard_error=np.full(n, 0.1),
        neg_log_10_p_value=neg_log_10,
        axis=genome_axis(chromosome, position),
        quantiles=quantile_plot(neg_log_10),
        lambda_gc=1.02,
        n_tests=32,
        simulated=True,
    )


def shown(qtbot, panel, size=(900, 300)):
    qtbot.addWidget(panel)
    panel.resize(*size)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def point_of(plot, variant, result):
    x, y = float(result.axis.x[variant]), float(result.neg_log_10_p_value[variant])
    return plot.mapFromScene(plot.plotItem.vb.mapViewToScene(pg.Point(x, y)))


def test_without_results_the_panel_says_what_to_do(qtbot, session, screenshot):
    panel = shown(qtbot, ManhattanPanel(session))
    assert "Run a GWAS" in panel._empty.accessibleName()
    screenshot(panel, "manhattan_empty")


def test_the_top_hit_is_drawn_labelled_and_chosen_by_a_click(qtbot, session, screenshot):
    panel = shown(qtbot, ManhattanPanel(session))
    result = make_result()
    session.association.run = "example"
    session.association.result = result

    def click():
        point = point_of(panel.plot, 1234, result)
        qtbot.mouseMove(panel.plot.viewport(), point)
        qtbot.mouseClick(panel.plot.viewport(), Qt.MouseButton.LeftButton, pos=point)
        return session.association.variant == 1234

    qtbot.waitUntil(click, timeout=10_000)  # until the axes have found their size
    label = panel.plot._label.toPlainText()
    assert "rs1234" in label
    assert "5.0e-13" in label
    screenshot(panel, "manhattan")


def test_a_million_variants_keep_every_top_hit_as_a_point(qtbot, session, screenshot):
    panel = shown(qtbot, ManhattanPanel(session))
    result = make_result(1_000_000)
    session.association.result = result
    drawn = set(panel.plot._drawn)
    assert drawn == set(np.flatnonzero(result.neg_log_10_p_value >= 3.0))
    assert panel.plot._raster.isVisible()
    screenshot(panel, "manhattan_million")


def test_the_qq_plot_shows_lambda(qtbot, session, screenshot):
    panel = shown(qtbot, QQPanel(session), (400, 300))
    session.association.result = make_result()
    assert panel.plot._lambda.toPlainText() == "λ = 1.020"
    screenshot(panel, "qq")


def test_a_result_without_any_p_value_draws_nothing_and_does_not_fail(qtbot, session):
    manhattan, qq = shown(qtbot, ManhattanPanel(session)), shown(qtbot, QQPanel(session))
    result = make_result(10, top=3)
    empty = np.full(10, np.nan)
    session.association.result = AssociationResult(
        **{**vars(result), "neg_log_10_p_value": empty, "quantiles": quantile_plot(empty)}
    )
    assert len(manhattan.plot._drawn) == 0
    assert qq.plot._lambda.toPlainText() == ""


@pytest.mark.parametrize("kind", [ManhattanPanel, QQPanel])
def test_a_panel_that_is_gone_listens_to_nothing(session, qtbot, kind):
    signals = (
        session.association.events.result, session.association.events.variant,
        session.scene.events.selected, session.catalog_changed, palette.theme_changed,
    )  # fmt: skip
    before = [len(signal) for signal in signals]
    panel = kind(session)
    assert len(palette.theme_changed) > before[-1]
    shiboken6.delete(panel)
    assert [len(signal) for signal in signals] == before
