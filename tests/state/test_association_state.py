"""How p-values and variants are put into words."""

import pytest

from music_gui.state.association import p_value_text


@pytest.mark.parametrize(
    ("neg_log_10", "text"),
    [
        (0.0, "1"),
        (1.30103, "0.05"),
        (7.30103, "5.0e-8"),
        (411.5, "3.2e-412"),
        (5.0, "1.0e-5"),
        (7.00043, "1.0e-7"),
    ],
)
def test_p_values_beyond_the_smallest_float_are_written_out(neg_log_10, text):
    assert p_value_text(neg_log_10) == text
