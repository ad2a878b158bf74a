"""A look at a scan as one PNG, and as rows of a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rich.text import Text

from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.looks.panel import BACKGROUND, Panel, strip
from proxflow.tasks.terminal_picture import terminal_picture

HEIGHT = 384  # pixels of each panel
GAP, CAPTION = 12, 22
ONE_WIDTH, MORE_WIDTH = 72, 104  # character cells of one picture, of several
TEXT = 220  # grey level


def write_scan_picture(path: Path, panels: tuple[Panel, ...]) -> None:
    """Write the panels side by side, each under its caption, to ``path``."""
    pictures, begins = strip(panels, HEIGHT, GAP)
    page = Image.new("L", (pictures.width + 2 * GAP, HEIGHT + CAPTION + 2 * GAP), BACKGROUND)
    draw = ImageDraw.Draw(page)
    for panel, left in zip(panels, begins, strict=True):
        draw.text((left + GAP, GAP), panel.caption, fill=TEXT)
    page.paste(pictures, (GAP, GAP + CAPTION))
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")


def scan_in_terminal(panels: tuple[Panel, ...], width: int) -> Text:
    """The panels meant for a terminal, at most ``width`` cells wide, and their captions."""
    shown = tuple(panel for panel in panels if panel.in_terminal)
    pictures, _ = strip(shown, HEIGHT, GAP)
    drawn = terminal_picture(np.asarray(pictures), min(width, ONE_WIDTH if len(shown) == 1 else MORE_WIDTH))
    return drawn.append("   ".join(panel.caption for panel in shown) + "\n", style="dim")
