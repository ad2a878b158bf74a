"""The network of RED-PSM: its size, what it sees, its two forms."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.networks.dncnn import DnCNN, dncnn_of


def test_dncnn_has_the_parameters_of_the_published_network() -> None:
    assert sum(parameter.numel() for parameter in DnCNN().parameters()) == 222_785


def test_dncnn_predicts_the_noise_or_the_image(rng: torch.Generator) -> None:
    residual, x = DnCNN("noise"), torch.rand(2, 1, 11, 7, generator=rng)
    direct = dncnn_of(residual.state_dict(), "image")
    torch.testing.assert_close(residual(x), x - direct(x))


def test_a_pixel_of_dncnn_sees_17_by_17(rng: torch.Generator) -> None:
    x = torch.rand(1, 1, 25, 27, generator=rng, requires_grad=True)
    for parameter in (network := DnCNN("image")).parameters():
        parameter.data.abs_()  # no ReLU cuts a path
    network(x)[0, 0, 12, 13].backward()
    assert x.grad is not None
    seen = torch.nonzero(x.grad[0, 0])
    assert seen.amin(0).tolist() == [4, 5] and seen.amax(0).tolist() == [20, 21]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("layers.0.bias"), "layers.0.bias missing"),
        (
            lambda t: t.update({"layers.2.weight": torch.zeros(64, 64, 5, 5)}),
            "layers.2.weight must have shape",
        ),
    ],
)
def test_dncnn_refuses_weights_of_another_network(change: object, words: str) -> None:
    tensors = dict(DnCNN().state_dict())
    change(tensors)  # type: ignore[operator]
    with pytest.raises(ValueError, match=words):
        dncnn_of(tensors, "noise")
