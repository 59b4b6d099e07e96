"""Images that a classifier of handwritten digits was never meant for.

All are float32 in [0, 1] with shape (n, 28, 28, 1), bright ink on black, as MNIST's digits are
after :func:`thesis_lib.data.to_unit`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Floats = NDArray[np.float32]

SIDE = 28
# MNIST's digits fill a box of this side, their centre of mass in the middle of the image.
_BOX = 20
# Fonts that ship with Matplotlib and have Latin letters and digits.
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmti10", "cmtt10"),
)
# Capitals that are no digit in any of these fonts: I, O, S and Z look like 1, 0, 5 and 2.
LETTERS = "ABCDEFGHJKLMNPQRTUVWXY"


def plain(n: int) -> Floats:
    """Return images of one grey each, from black to white in n even steps.

    Parameters
    ----------
    n : int

    Returns
    -------
    ndarray of float32 in [0, 1], (n, 28, 28, 1)

    Examples
    --------
    >>> plain(3)[:, 0, 0, 0].tolist()
    [0.0, 0.5, 1.0]
    """
    return np.broadcast_to(
        np.linspace(0, 1, n, dtype=np.float32)[:, None, None, None], (n, SIDE, SIDE, 1)
    )


def noise(n: int, random_state: int) -> Floats:
    """Return images whose pixels are drawn evenly from [0, 1], each on its own.

    Parameters
    ----------
    n, random_state : int

    Returns
    -------
    ndarray of float32 in [0, 1], (n, 28, 28, 1)
    """
    return np.random.default_rng(random_state).random((n, SIDE, SIDE, 1), dtype=np.float32)


def inverted(x: ArrayLike) -> Floats:
    """Return the images with dark ink on a bright ground.

    Parameters
    ----------
    x : array_like in [0, 1], (n, height, width, channels)

    Returns
    -------
    ndarray of float32 in [0, 1], of the same shape
    """
    return np.asarray(1 - np.asarray(x, dtype=np.float32))


def rotated(x: ArrayLike, degrees: float) -> Floats:
    """Return the images rotated anticlockwise about their centre, black where nothing was.

    Parameters
    ----------
    x : array_like in [0, 1], (n, height, width, channels)
    degrees : float

    Returns
    -------
    ndarray of float32 in [0, 1], of the same shape

    Raises
    ------
    ValueError, TypeError
        If degrees is no finite number.

    Examples
    --------
    Ink at the top right goes to the top left:

    >>> x = np.reshape([[0, 0, 1], [0, 0, 0], [0, 0, 0]], (1, 3, 3, 1))
    >>> rotated(x, 90)[0, :, :, 0].round().astype(int).tolist()
    [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    """
    from scipy.ndimage import rotate

    degrees = arguments.number("degrees", degrees)
    images = np.asarray(x, dtype=np.float32)
    turned = rotate(images, degrees, axes=(2, 1), reshape=False, order=1)
    return np.asarray(turned.clip(0, 1), dtype=np.float32)


def glyphs(characters: str) -> Floats:
    """Draw printed characters, each in every one of the FONTS.

    They are prepared as MNIST was (LeCun et al., 1998): fitted into a box of 20×20 pixels with
    their proportions kept, and put with their centre of mass in the middle of 28×28.

    Parameters
    ----------
    characters : str
        That leave ink, such as letters and digits.

    Returns
    -------
    ndarray of float32, (len(FONTS) · len(characters), 28, 28, 1)
        All characters of one font follow one another.

    Raises
    ------
    ValueError
        If there are none, or one leaves no ink.

    Examples
    --------
    An H and a T in each of 21 fonts; the first H is higher than wide and takes 20 rows:

    >>> images = glyphs("HT")
    >>> images.shape, int(images[0].any((1, 2)).sum())
    ((42, 28, 28, 1), 20)
    """
    import matplotlib
    from PIL import ImageFont

    if not characters:
        raise ValueError("There are no characters to draw.")
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 4 * _BOX) for name in FONTS]
    return np.stack([_glyph(character, font) for font in fonts for character in characters])


def _glyph(character: str, font: object) -> Floats:
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (12 * _BOX, 12 * _BOX))
    ImageDraw.Draw(canvas).text((4 * _BOX, 4 * _BOX), character, fill=255, font=font)  # type: ignore[arg-type]
    box = canvas.getbbox()
    if box is None:
        raise ValueError(f"{character!r} leaves no ink; give characters such as letters.")
    ink = canvas.crop(box)
    scale = _BOX / max(ink.size)
    size = max(1, round(ink.width * scale)), max(1, round(ink.height * scale))
    small = np.asarray(ink.resize(size, Image.Resampling.LANCZOS), dtype=np.float32)
    return _centred(small / np.float32(255))[..., None]


def _centred(ink: Floats) -> Floats:
    """Put a small image onto a black one with its centre of mass in the middle."""
    image = np.zeros((SIDE, SIDE), np.float32)
    corner = []
    for axis, length in enumerate(ink.shape):
        mass = ink.sum(1 - axis)
        centre = (mass * np.arange(length)).sum() / mass.sum()
        # Ink far off its centre of mass must not leave the image.
        corner.append(int(np.clip(round((SIDE - 1) / 2 - centre), 0, SIDE - length)))
    image[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = ink
    return image
