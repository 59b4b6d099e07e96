"""Numbers that the figures of detection draw."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from thesis_lib import anomaly
from thesis_lib.plots import detection


@pytest.fixture(autouse=True)
def close_figures():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def test_a_curve_is_drawn_as_measured() -> None:
    rates = anomaly.roc([3, 4, 5, 6], [1, 2, 4.5, 0])
    figure = detection.roc({"cats": rates}, {"at 2.5": (0.25, 1.0)})
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}
    # No anomaly passes up to a threshold that half of the normal inputs pass: it begins there.
    expected = np.stack([np.maximum(rates[0], 0.1), rates[1]], 1)[rates[1] >= 0.5]
    np.testing.assert_allclose(lines["cats"], expected)
    assert figure.axes[0].get_ylim()[0] == pytest.approx(0.45)
    np.testing.assert_allclose(lines["at 2.5"], [[0.25, 1]])
    assert {"chance", "cats", "at 2.5"} <= {t.get_text() for t in figure.legends[0].get_texts()}


def test_dots_and_intervals() -> None:
    values = np.array([[[10.0, 8, 13], [50, 40, 60]], [[0, 0, 0], [99, 98, 104]]])
    figure = detection.dots(["noise", "letters"], ["one", "other"], values, xlabel="FPR (%)")
    for axis, panel in zip(figure.axes, values, strict=True):
        container = axis.containers[0]
        np.testing.assert_allclose(container[0].get_xdata(), panel[:, 0])
        spans = [segment[:, 0].tolist() for segment in container[2][0].get_segments()]
        assert spans == panel[:, 1:].clip(0, 100).tolist()  # what lies beyond is impossible
    assert [axis.get_title() for axis in figure.axes] == ["noise", "letters"]


def test_dots_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\); it has to be \(1, 2, 3\)"):
        detection.dots(["noise"], ["a", "b"], np.zeros((2, 3)), xlabel="x")
