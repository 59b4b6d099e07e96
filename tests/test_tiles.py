"""The drawn tiles: as many as asked for, the same for a seed, and damaged where they say so."""

import numpy as np
import pytest

from thesis_lib import tiles


def test_counts_and_seeds() -> None:
    x, y = tiles.draw({"whole": 9, "stain": 2}, random_state=1)
    assert (x.shape, x.dtype) == ((11, 16, 16, 3), np.uint8)
    assert dict(zip(*np.unique(y, return_counts=True), strict=True)) == {"whole": 9, "stain": 2}
    again, other = (tiles.draw({"whole": 9, "stain": 2}, random_state=s)[0] for s in (1, 2))
    np.testing.assert_array_equal(x, again)
    assert (x != other).any()


def test_damages_change_the_tile_as_they_say() -> None:
    """Inside the joints a scratch adds light pixels, and chips and stains dark ones."""
    drawn = {name: tiles.draw({name: 60}, random_state=3)[0] for name in tiles.CLASSES}
    inside = {name: x[:, 1:-1, 1:-1].astype(float).mean(-1) for name, x in drawn.items()}
    median = {name: np.median(x, (1, 2)) for name, x in inside.items()}
    lightest = {n: (x.max((1, 2)) - median[n]).mean() for n, x in inside.items()}
    darkest = {n: (median[n] - x.min((1, 2))).mean() for n, x in inside.items()}
    assert max(lightest, key=lightest.__getitem__) == "scratch"
    assert darkest["chip"] > 1.5 * darkest["whole"]
    assert darkest["stain"] > 1.5 * darkest["whole"]


def test_unknown_damage() -> None:
    with pytest.raises(ValueError, match=r"There are no tiles .*broken.*; allowed are whole"):
        tiles.draw({"broken": 3}, random_state=0)


@pytest.mark.parametrize("counts", [{"whole": 0}, {}])
def test_no_tiles_at_all(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"ask for at least one tile, as in {'whole': 40}"):
        tiles.draw(counts, random_state=1)
