"""Image files, of a folder with one sub-folder a class or of a table, read into one array."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib.own import image_sets
from thesis_lib.progress import progress_bar
from thesis_lib.wording import some

Array = NDArray[Any]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_OF_SYSTEMS = ("thumbs.db", "desktop.ini")  # what Windows leaves beside images


@dataclass(frozen=True)
class Listing:
    """The image files of a folder, or of a table.

    Attributes
    ----------
    folder : str
    files : list of Path
    labels : ndarray of str, (n,)
        The names of their sub-folders, or as the table says.
    left_out : list of str
        What is not there or not read, to be said.
    """

    folder: str
    files: list[Path]
    labels: NDArray[np.str_]
    left_out: list[str]

    def note(self, size: int) -> str:
        """Say what is read, at how many pixels a side, and what is not.

        Parameters
        ----------
        size : int
        """
        head = f"{len(self.files)} images from {self.folder}, resized to {size}×{size}"
        return "; ".join([head, *self.left_out]) + "."


def visible(folder: Path) -> list[Path]:
    """Return what is in a folder, in order, without what systems hide there (._x, Thumbs.db).

    Parameters
    ----------
    folder : Path
    """
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in _OF_SYSTEMS
    )


def listed(folder: Path) -> Listing:
    """List the images of a folder with one sub-folder a class; hidden files do not count.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    ValueError
        If fewer than two sub-folders hold images.
    """
    children = visible(folder)
    classes = [child for child in children if child.is_dir()]
    found = [(file, child.name) for child in classes for file in visible(child)]
    images = [(file, name) for file, name in found if _is_image(file)]
    filled = {name for _, name in images}
    if len(filled) < 2:
        deeper = any(file.is_dir() for file, _ in found)
        hint = " Two folders of such sub-folders have to be called train and test." * deeper
        raise ValueError(
            f"{folder} has to hold at least two sub-folders, one a class, of PNG or JPEG images; "
            f"it has {len(filled)}.{hint}"
        )
    left_out = []
    if loose := [child.name for child in children if _is_image(child)]:
        left_out.append(f"in no sub-folder and left out: {some(loose)}")
    if empty := [child.name for child in classes if child.name not in filled]:
        left_out.append(f"without images: {some(empty)}")
    kept = {file for file, _ in images}
    if others := Counter(_kind(file) for file, _ in found if file not in kept):
        left_out.append("left out: " + ", ".join(f"{kind} ({n})" for kind, n in others.items()))
    # Some systems write é as one character and others as two, which would be two classes.
    labels = np.array([unicodedata.normalize("NFC", name) for _, name in images])
    return Listing(folder.name, [file for file, _ in images], labels, left_out)


def listed_in(table: Path) -> dict[str, Listing]:
    """List the images that a table names.

    Parameters
    ----------
    table : Path
        CSV with the columns ``file``, a path as seen from the table's folder, and ``label``; and
        with ``set`` if the images are split, ``train`` or ``test``. Spaces around them do not
        count.

    Returns
    -------
    dict of str to Listing
        By set; of images that are not split one, under "".

    Raises
    ------
    ValueError
        If there is no such table, it has no rows, or one of its files is missing.
    """
    rows = _rows_of(table)
    sets = rows["set"].str.strip().str.lower() if "set" in rows else pd.Series("", rows.index)
    if "set" in rows and set(sets) != {"train", "test"}:
        raise ValueError(
            f"{table.name} has to say train or test in the column set of each row, and both; it "
            f"says {some(sorted(set(sets)))}."
        )
    files = [table.parent / name for name in rows["file"]]
    if missing := [str(file) for file in files if not file.is_file()]:
        raise ValueError(f"{table.name} names files that are not there: {some(missing, 3)}.")
    labels = np.array(rows["label"], dtype=str)
    found = {}
    for name in dict.fromkeys(sets):
        chosen = np.flatnonzero(sets == name)
        head = f"{table.name} ({name})" if name else table.name
        found[name] = Listing(head, [files[row] for row in chosen], labels[chosen], [])
    return found


def _rows_of(table: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(
            table, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{table.name} could not be read: {str(error).rstrip('.')}.") from None
    if not {"file", "label"} <= set(rows.columns):
        raise ValueError(
            f"{table.name} has to have the columns file and label, with commas between them; it "
            f"has {some(list(rows.columns))}."
        )
    if rows.empty:
        raise ValueError(
            f"{table.name} has a head ({some(list(rows.columns))}) and no rows; write a line for "
            "each image below it."
        )
    rows["file"] = rows["file"].str.strip()
    rows["label"] = rows["label"].str.strip().str.normalize("NFC")  # as of folders
    if empty := np.flatnonzero((rows["file"] == "") | (rows["label"] == "")).tolist():
        where = some([str(row + 2) for row in empty])
        raise ValueError(f"{table.name} lacks a file or a label in line {where}.")
    if twice := rows["file"][rows["file"].duplicated()].tolist():
        raise ValueError(f"{table.name} names files more than once: {some(twice, 3)}.")
    return rows


def read(files: Sequence[Path], size: int) -> Array:
    """Read images as size × size pixels: upright, and a transparent ground white.

    Parameters
    ----------
    files : sequence of Path
        PNG, JPEG, BMP, TIFF or WebP; of a file with several pages the first is read.
    size : int

    Returns
    -------
    ndarray of uint8, (n, size, size, 1 or 3)
        One channel if all are grey. If one has 16 bits, uint16 with 65535 for white.

    Raises
    ------
    ValueError
        If some cannot be read; it names them.
    """
    x: Array = np.empty((len(files), size, size, 3), np.uint8)
    broken: list[tuple[Path, Exception]] = []
    with progress_bar(len(files), desc="reading", unit="image", delay=2) as bar:
        for row, file in enumerate(files):
            bar.update()
            try:
                image = _pixels(file, size)
            except Exception as error:  # whatever Pillow raises on a damaged file
                broken.append((file, error))
                continue
            if image.dtype != x.dtype:
                x, image = _deep(x), _deep(image)
            x[row] = image
    if broken:
        (file, cause), *others = broken
        more = f" Nor are these: {some([str(f) for f, _ in others], 3)}." if others else ""
        raise ValueError(f"{file} is no image that can be read ({cause}).{more}")
    grey = all((image == image[..., :1]).all() for image in x)
    return x[..., :1] if grey else x


def below(path: Path) -> list[Path]:
    """List the images of a folder and of its sub-folders, without hidden ones; a file is itself.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FileNotFoundError, ValueError
        If there is nothing at the path, or no image below it.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return [path]
    found = list(_images_below(path))
    if not found:
        raise ValueError(f"{path} holds no images: files that end in {', '.join(_SUFFIXES)}.")
    return found


def _images_below(folder: Path) -> Iterator[Path]:
    for child in visible(folder):
        if child.is_dir() and not child.is_symlink():  # which may lead up again
            yield from _images_below(child)
        elif _is_image(child):
            yield child


def read_like(file: Path, shape: tuple[int, ...], white: float, dtype: str) -> Array:
    """Read one image as `read` reads those that a network was trained on.

    Parameters
    ----------
    file : Path
    shape : (height, width, channels)
        What the network takes.
    white : float
        The value of a white pixel there.
    dtype : str
        The type of the pixels there, as NumPy names it; "" if it is not known.

    Returns
    -------
    ndarray, of that shape
        On the scale of training, as whole numbers where white is one of 8 or 16 bits.

    Raises
    ------
    ValueError
        If it cannot be read, is brighter than white, or the network takes no such images.
    """
    height, width, channels = shape
    if height != width or channels not in (1, 3):
        raise ValueError(
            f"Files are read as square images, grey or in colour; the network takes {shape}. "
            "Read them yourself and pass them to predict()."
        )
    image = read([file], height)[0]
    if image.shape[2] > channels:
        raise ValueError(f"{file} is in colour, and the network was trained on grey images.")
    own = _white_in(image, white, dtype)
    if image.max() > own:
        raise ValueError(
            f"{file} has pixels up to {image.max()}, but white was {white:g} in training. Save it "
            "on that scale, or train with a larger white."
        )
    scaled = image if white == own else image * np.float32(white / own)
    # As floats, a photograph of the night might be one from 0 to 1.
    if image_sets.is_dark(1, white) and white <= 65535:
        scaled = np.rint(scaled).astype(np.uint8 if white <= 255 else np.uint16)
    return np.broadcast_to(scaled, shape)


def _white_in(image: Array, white: float, dtype: str) -> float:
    """Return the value of a white pixel in a file, for a network that knows another or the same.

    Parameters
    ----------
    image : ndarray
        As `read` returns it.
    white, dtype
        As `read_like` takes them.
    """
    deep = image.dtype == np.uint16
    # Whoever trained on integers, such as masks of 0 and 1, has files of the same.
    same = dtype.startswith(("int", "uint"))
    if deep:  # of 10, 12 and 14 bits cameras write the value itself into 16
        same = white > 255 or (same and (dtype, white) != ("uint8", 255))
    elif white > 255:
        same = False
    return white if same else 65535 if deep else 255


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _kind(file: Path) -> str:
    if file.is_symlink() and not file.exists():
        return "broken links"
    return "sub-folders" if file.is_dir() else file.suffix or "without suffix"


def _pixels(file: Path, size: int) -> Array:
    """Read one image, (size, size, 3) of uint8, or (size, size, 1) of uint16."""
    from PIL import Image, ImageOps

    smooth = Image.Resampling.BILINEAR
    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)  # upright, as the camera was held
        if image.mode == "F":
            raise ValueError("its pixels are fractions; save it with 8 or 16 bits")
        if image.mode.startswith("I"):  # which convert() would cut off at 255
            values = np.asarray(image, np.float32)
            if values.min() < 0 or values.max() > 65535:
                raise ValueError("its pixels have 32 bits; save it with 8 or 16")
            small = Image.fromarray(values).resize((size, size), smooth)
            rounded: Array = np.rint(np.asarray(small)).astype(np.uint16)
            return rounded[..., None]
        image = image.convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    flat = Image.alpha_composite(ground, image).convert("RGB")
    return np.asarray(flat.resize((size, size), smooth), dtype=np.uint8)


def _deep(x: Array) -> NDArray[np.uint16]:
    """Return pixels of 8 bits with 16."""
    return x if x.dtype == np.uint16 else np.multiply(x, 257, dtype=np.uint16)
