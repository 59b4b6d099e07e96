"""Images that are no handwritten digits: geometry, ranges, and how they are centred."""

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from thesis_lib import out_of_distribution as ood


@pytest.fixture
def blob() -> np.ndarray:
    return np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)


def test_a_quarter_turn_is_numpy_s(blob: np.ndarray) -> None:
    for turns in range(4):
        expected = np.rot90(blob, turns, axes=(1, 2))
        np.testing.assert_allclose(ood.rotated(blob, 90 * turns), expected, atol=1e-5)


def test_a_turn_and_back_keeps_the_middle() -> None:
    y, x = np.mgrid[:28, :28]
    smooth = np.exp(-((y - 11) ** 2 + (x - 16) ** 2) / 40).astype(np.float32)[None, ..., None]
    back = ood.rotated(ood.rotated(smooth, 30), -30)
    assert np.abs(back - smooth)[:, 6:-6, 6:-6].max() < 0.03


def test_inverting_twice_changes_nothing(blob: np.ndarray) -> None:
    np.testing.assert_allclose(ood.inverted(ood.inverted(blob)), blob, atol=1e-6)
    assert ood.inverted(np.zeros((1, 28, 28, 1))).min() == 1


def test_plain_images_go_from_black_to_white() -> None:
    images = ood.plain(3)
    assert images.shape == (3, 28, 28, 1)
    assert [np.unique(image).tolist() for image in images] == [[0], [0.5], [1]]


def test_noise_repeats_and_fills_the_range() -> None:
    one = ood.noise(50, random_state=1)
    np.testing.assert_array_equal(one, ood.noise(50, random_state=1))
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert one.var() == pytest.approx(1 / 12, abs=0.002)


def test_glyphs_are_prepared_as_mnist_was() -> None:
    images = ood.glyphs(ood.LETTERS)
    assert images.shape == (len(ood.FONTS) * len(ood.LETTERS), 28, 28, 1)
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() <= 1
    for image in images[..., 0]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        # Resampling may leave a black outermost line.
        assert 18 <= max(height, width) <= 20
        centre = np.array(center_of_mass(image))
        # Whole pixels only, and no ink beyond the margin, which pulls an L or an F off the middle.
        assert np.abs(centre - 13.5).max() < 3
    assert len({image.tobytes() for image in images}) == len(images)


def test_characters_of_one_font_follow_one_another() -> None:
    both, alone = ood.glyphs("AB"), ood.glyphs("B")
    np.testing.assert_array_equal(both[1::2], alone)


def test_a_character_without_ink() -> None:
    with pytest.raises(ValueError, match="' ' leaves no ink"):
        ood.glyphs(" ")


def test_an_angle_is_a_number_and_nothing_is_no_text() -> None:
    with pytest.raises(TypeError, match="degrees has to be a finite number; got '90'"):
        ood.rotated(np.zeros((1, 4, 4, 1)), "90")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no characters"):
        ood.glyphs("")
