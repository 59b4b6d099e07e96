"""New training images from old ones, batch by batch: mixup, Remix, and small moves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Array = NDArray[Any]
Floats = NDArray[np.float32]


def mixup(x: Array, y: Array, rng: np.random.Generator, *, alpha: float = 0.2) -> tuple[Array, Any]:
    r"""Mix each image and its label with another of the batch (Zhang et al. 2018).

    :math:`\lambda x_i+(1-\lambda)x_j` and :math:`\lambda y_i+(1-\lambda)y_j`, with one
    :math:`\lambda\sim\mathrm{Beta}(\alpha,\alpha)` for each pair, and j a permutation of the batch.

    Parameters
    ----------
    x : ndarray of float, (n, ...)
    y : ndarray of float, (n, n_classes)
        One-hot.
    rng : numpy.random.Generator
    alpha : float
        Positive; small values leave most images nearly whole.

    Returns
    -------
    x, y : ndarray
        Labels are no longer one-hot: the loss has to be one for shares of classes.

    Raises
    ------
    ValueError
        If x and y have different lengths, or alpha is not positive.
    TypeError
        If x or y holds no floats, rng is no Generator, or alpha no number.

    Examples
    --------
    Images of one pixel, 0 in class 0 and 1 in class 1, so that a new pixel is the share of class 1:

    >>> x, y = mixup(np.array([[0.0], [1.0]]), np.eye(2), np.random.default_rng(12), alpha=1)
    >>> x.round(2).tolist(), y.round(2).tolist()
    ([[0.66], [0.26]], [[0.34, 0.66], [0.74, 0.26]])
    """
    _check_batch(x, y)
    partner, share = _pairs(len(x), rng, alpha)
    return _blend(x, partner, share), _blend(y, partner, share)


def remix(
    x: Array,
    y: Array,
    rng: np.random.Generator,
    class_counts: ArrayLike,
    *,
    alpha: float = 0.2,
    kappa: float = 3.0,
    tau: float = 0.5,
) -> tuple[Array, Any]:
    r"""Mix as `mixup`, but let the rarer class have the label (Remix, Chou et al. 2020).

    The label's :math:`\lambda` is 0 where :math:`n_i/n_j\ge\kappa` and :math:`\lambda<\tau`, 1
    where :math:`n_i/n_j\le1/\kappa` and :math:`1-\lambda<\tau`, and that of the image elsewhere.

    Parameters
    ----------
    x, y, rng, alpha
        As for `mixup`.
    class_counts : array_like of int, (n_classes,)
        Sizes of the classes in the training set, all positive.
    kappa : float
        How many times larger a class has to be to give way, from 1.
    tau : float
        Share of the image up to which it does, in [0, 1].

    Returns
    -------
    x, y : ndarray
        As of `mixup`.

    Raises
    ------
    ValueError, TypeError
        As for `mixup`, and if class_counts, kappa or tau is not as above.

    Examples
    --------
    The images are those that `mixup` draws. Class 0 has nine times the images of class 1, and gives
    way where its own share is less than a half:

    >>> images, labels = np.array([[0.0], [1.0]]), np.eye(2)
    >>> x, y = remix(images, labels, np.random.default_rng(12), class_counts=[9, 1], alpha=1)
    >>> x.round(2).tolist(), y.round(2).tolist()
    ([[0.66], [0.26]], [[0.0, 1.0], [0.74, 0.26]])
    """
    _check_batch(x, y)
    counts = arguments.by_class("class_counts", class_counts)
    if counts.shape != y.shape[1:] or not (np.isfinite(counts) & (counts > 0)).all():
        raise ValueError(
            f"class_counts has to hold a number larger than 0 for each of the {y.shape[1]} "
            f"classes; got {counts.tolist()}."
        )
    kappa, tau = arguments.number("kappa", kappa, 1), arguments.number("tau", tau, 0, 1)
    partner, share = _pairs(len(x), rng, alpha)
    own = counts[y.argmax(1)]
    ratio = own / own[partner]
    of_label = share.copy()
    of_label[(ratio >= kappa) & (share < tau)] = 0.0
    of_label[(ratio <= 1 / kappa) & (1 - share < tau)] = 1.0
    return _blend(x, partner, share), _blend(y, partner, of_label)


def move(
    x: Floats, rng: np.random.Generator, *, shift: float = 0.07, degrees: float = 10.0
) -> Floats:
    """Shift and turn each image a little, at random; what comes in from outside is black.

    Digits are not mirrored: a mirrored digit is another sign, or none.

    Parameters
    ----------
    x : ndarray of float, (n, height, width, channels)
    rng : numpy.random.Generator
    shift : float
        Largest shift, as a share of height and width, each way; in [0, 1].
    degrees : float
        Largest angle, each way; not negative.

    Returns
    -------
    ndarray of float32
        Interpolated between the four nearest pixels.

    Raises
    ------
    ValueError, TypeError
        If x has not four axes, or an argument is not as above.

    Examples
    --------
    A tenth of ten pixels is one pixel, so a white image can turn dark at its border only:

    >>> white = np.ones((5, 10, 10, 1), np.float32)
    >>> moved = move(white, np.random.default_rng(0), shift=0.1, degrees=0)
    >>> round(float(moved[:, 1:-1, 1:-1].min()), 3), bool(moved.min() < 0.5)
    (1.0, True)
    """
    _check_generator(rng)
    if x.ndim != 4:
        raise ValueError(f"x has to have shape (n, height, width, channels); got {x.shape}.")
    shift = arguments.number("shift", shift, 0, 1)
    degrees = arguments.number("degrees", degrees, 0)
    n, height, width, _ = x.shape
    angle = np.deg2rad(rng.uniform(-degrees, degrees, n))
    down, right = (rng.uniform(-shift, shift, n) * side for side in (height, width))
    cos, sin = (f(angle)[:, None, None] for f in (np.cos, np.sin))
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    # Where each new pixel comes from, relative to the middle of the old image.
    r = rows - (height - 1) / 2 - down[:, None, None]
    c = columns - (width - 1) / 2 - right[:, None, None]
    from_row = cos * r + sin * c + (height - 1) / 2
    from_column = -sin * r + cos * c + (width - 1) / 2
    return _bilinear(x, from_row, from_column)


def _bilinear(x: Floats, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Floats:
    """Read images at places between pixels, (n, height, width) each; outside they are 0."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = padded.shape[1:3]
    rows = np.clip(rows + 1, 0, height - 1 - 1e-9)
    columns = np.clip(columns + 1, 0, width - 1 - 1e-9)
    top, left = rows.astype(int), columns.astype(int)
    down, right = ((v - f)[..., None] for v, f in ((rows, top), (columns, left)))
    image = np.arange(len(x))[:, None, None]
    upper = padded[image, top, left] * (1 - right) + padded[image, top, left + 1] * right
    lower = padded[image, top + 1, left] * (1 - right) + padded[image, top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def _check_batch(x: Array, y: Array) -> None:
    if y.ndim != 2 or len(x) != len(y):
        raise ValueError(
            f"y has to hold a one-hot row for each of the {len(x)} images of x; got shape "
            f"{y.shape}."
        )
    # In whole numbers the shares would all be 0.
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        raise TypeError(
            f"x and y have to hold floats; got {x.dtype} and {y.dtype}. Pass them as "
            ".astype('float32')."
        )


def _check_generator(rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng has to be a generator, such as numpy.random.default_rng(0); got {rng!r}."
        )


def _pairs(
    n: int, rng: np.random.Generator, alpha: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    _check_generator(rng)
    alpha = arguments.number("alpha", alpha, 0, ends="()")
    return rng.permutation(n), rng.beta(alpha, alpha, n)


def _blend(values: Array, partner: NDArray[np.int64], share: NDArray[np.float64]) -> Array:
    w = share.reshape(-1, *[1] * (values.ndim - 1)).astype(values.dtype)
    return np.asarray(w * values + (1 - w) * values[partner])
