"""Colour maps as 256 RGB triples, made here so that no plotting library is imported for them."""

from __future__ import annotations

import numpy as np


def signed_palette() -> np.ndarray:
    """uint8 (256, 3): blue for negative, black at zero, amber for positive.

    Dark at zero, as images are judged on black; its ends differ in hue for colour-blind readers.
    """
    stops = np.array([-1, -0.5, 0, 0.5, 1])
    colours = np.array([(150, 205, 255), (36, 106, 196), (10, 11, 13), (196, 98, 20), (255, 214, 130)])
    position = np.linspace(-1, 1, 255)
    palette = np.stack([np.interp(position, stops, channel) for channel in colours.T], axis=1)
    return np.concatenate([palette, palette[-1:]]).round().astype(np.uint8)  # index 127 is zero


def phase_palette() -> np.ndarray:
    """uint8 (256, 3): a closed circle of hues of equal lightness in OKLCh, so no phase stands out.

    Source: B. Ottosson, "A perceptual color space for image processing" (2020), the two matrices.
    """
    hue = 2 * np.pi * np.arange(256) / 256
    lab = np.stack([np.full(256, 0.74), 0.115 * np.cos(hue), 0.115 * np.sin(hue)])
    to_lms = np.array(
        [
            [1, 0.3963377774, 0.2158037573],
            [1, -0.1055613458, -0.0638541728],
            [1, -0.0894841775, -1.2914855480],
        ]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ (to_lms @ lab) ** 3, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (255 * encoded.T).round().astype(np.uint8)
