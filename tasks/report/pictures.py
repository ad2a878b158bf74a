"""Arrays to 8-bit picture files."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from proxflow.tasks.report.palettes import phase_palette, signed_palette


def grey(values: np.ndarray, upper: float) -> Image.Image:
    """Real (y, x) with 0 black and ``upper`` white; values outside are clipped."""
    scaled = np.clip(values * (255 / upper), 0, 255)
    return Image.fromarray((scaled + 0.5).astype(np.uint8))


def signed(values: np.ndarray, limit: float) -> Image.Image:
    """Real (y, x) from -limit to limit in ``signed_palette``, zero at index 127."""
    index = np.clip(values * (127 / limit), -127, 127).round() + 127
    picture = Image.fromarray(index.astype(np.uint8))
    picture.putpalette(signed_palette().tobytes())
    return picture


def phase(values: np.ndarray, visible: np.ndarray) -> Image.Image:
    """The angle of complex (y, x), -pi to pi around ``phase_palette``; black where not ``visible``."""
    index = np.floor((np.angle(values) + np.pi) * (256 / (2 * np.pi))).astype(int) % 256
    # Index 0 is given up for black: a step of 1/256 of the circle is not seen.
    picture = Image.fromarray(np.where(visible, np.maximum(index, 1), 0).astype(np.uint8))
    palette = phase_palette()
    palette[0] = 0
    picture.putpalette(palette.tobytes())
    return picture


def binary(values: np.ndarray) -> Image.Image:
    """Bool (y, x), True white, at one bit a pixel."""
    return Image.fromarray(np.where(values, 255, 0).astype(np.uint8)).convert("1")


def montage(tiles: np.ndarray, n_columns: int) -> np.ndarray:
    """(tile, y, x) laid out row by row with one pixel between; what is left over is zero."""
    n_tiles, ny, nx = tiles.shape
    n_rows = -(-n_tiles // n_columns)
    sheet = np.zeros((n_rows * (ny + 1) - 1, n_columns * (nx + 1) - 1), dtype=tiles.dtype)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, n_columns)
        sheet[row * (ny + 1) :, column * (nx + 1) :][:ny, :nx] = tile
    return sheet


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "png", compress_level=6)
    return buffer.getvalue()


def data_uri(picture: Image.Image) -> str:
    """The picture as a ``data:`` address, to be embedded in HTML."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def photo_uri(picture: Image.Image) -> str:
    """The picture as a ``data:`` address of a WebP file: far smaller than a PNG where it is shaded, with loss
    that is not seen. What is transparent stays so."""
    buffer = io.BytesIO()
    picture.save(buffer, "webp", quality=80, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
