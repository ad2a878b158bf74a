import pytest
import torch

from proxflow.models.networks.unet3d import UNet3d, unet3d_of


def test_it_has_as_many_parameters_as_published() -> None:
    assert sum(parameter.numel() for parameter in UNet3d().parameters()) == 1_357_505
    assert sum(parameter.numel() for parameter in UNet3d(1).parameters()) == 1_356_641


@pytest.mark.parametrize("shape", [(49, 25, 25), (61, 61, 61), (4, 5, 7)])
def test_any_volume_of_four_voxels_or_more_keeps_its_shape(shape: tuple[int, ...]) -> None:
    with torch.no_grad():
        assert UNet3d().eval()(torch.rand(1, 2, *shape)).shape == (1, 1, *shape)


def test_a_sigmoid_bounds_the_output() -> None:
    with torch.no_grad():
        out = UNet3d(1, sigmoid=True).eval()(100 * torch.randn(1, 1, 6, 6, 6))
    assert out.min() >= 0 and out.max() <= 1


def test_weights_make_the_same_network_and_others_are_refused() -> None:
    network = UNet3d().eval()
    x = torch.rand(1, 2, 6, 5, 4)
    with torch.no_grad():
        torch.testing.assert_close(unet3d_of(network.state_dict())(x), network(x))
    tensors = dict(network.state_dict())
    del tensors["out.bias"]
    with pytest.raises(ValueError, match=r"UNet3d, got out.bias missing"):
        unet3d_of(tensors)
    wrong = network.state_dict() | {"out.bias": torch.zeros(2)}
    with pytest.raises(ValueError, match=r"out.bias must have shape \(1,\), got \(2,\)"):
        unet3d_of(wrong)
