"""Sizes of input-convex networks: any, and those that were published, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IcnnKind = Literal["image", "small", "dense"]

STRIDES: dict[str, tuple[int, ...]] = {"image": (2, 1, 2, 1, 2), "small": (2, 1, 2)}
N_DENSE = 4  # hidden-to-hidden layers of the dense one


@dataclass(frozen=True)
class IcnnSettings:
    """What fixes an ``Icnn``.

    kind: ``image``, three octaves; ``small``, two, without a bias of the first and of the last layer;
        ``dense``, of vectors of ``channels`` numbers, four hidden-to-hidden layers, biases in ``res`` alone.
    channels: of an image: 1 grey, 2 (real part, imaginary part), 3 colour.
    side: of the images, in pixels; a multiple of 8 (``image``) or 4 (``small``), 1 of ``dense``.
    hidden: channels, or units, of the hidden layers.
    beta: of the softplus log(1 + exp(beta t)) / beta.
    alpha: psi holds alpha ||y||^2, so that f holds 2 alpha y: twice the alpha of the paper's text.
    signed: the network works on 2 y - 1, and (out + 1) / 2 is what comes out; both are of one potential.

    Raises ValueError where no such network can be built.
    """

    kind: IcnnKind = "image"
    channels: int = 1
    side: int = 128
    hidden: int = 256
    beta: float = 100.0
    alpha: float = 1e-6
    signed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in (*STRIDES, "dense"):
            raise ValueError(f"kind must be image, small or dense, got {self.kind!r}")
        if min(self.channels, self.hidden, self.side) < 1:
            sizes = f"{self.channels}, {self.side} and {self.hidden}"
            raise ValueError(f"channels, side and hidden must be at least 1, got {sizes}")
        if self.kind == "dense" and self.side != 1:
            raise ValueError(f"side must be 1 for a dense network, got {self.side}")
        if self.side % self.shrinks:
            raise ValueError(f"side must be a multiple of {self.shrinks}, got {self.side}")
        if not self.beta > 0:
            raise ValueError(f"beta must be positive, got {self.beta}")
        if not self.alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {self.alpha}")

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the 3 x 3 convolutions after the first; none of a dense network."""
        return STRIDES.get(self.kind, ())

    @property
    def shrinks(self) -> int:
        """By how much the last resolution is below the first."""
        return int(2 ** self.strides.count(2))

    @property
    def strong_convexity(self) -> float:
        """2 alpha: <f(a) - f(b), a - b> >= 2 alpha ||a - b||^2."""
        return 2 * self.alpha


LPN_GREY = IcnnSettings()  # 7 175 297 parameters
LPN_COLOUR = IcnnSettings(channels=3)  # 7 235 713
LPN_PATCH = IcnnSettings(side=64, signed=True)  # 4 017 281
LPN_SMALL = IcnnSettings("small", side=28, hidden=64, beta=10.0, alpha=0.01)  # 317 056
LPN_DENSE = IcnnSettings("dense", side=1, hidden=50, beta=10.0, alpha=0.0)  # 10 502
