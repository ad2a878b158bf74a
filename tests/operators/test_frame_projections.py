import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxflow.operators import frame_points
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.frame_projections import FrameProjections

DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]
MODELS = ["joseph", "bilinear"]


def series(
    model: str, shape: tuple[int, int] = (9, 14), frames: int = 5, views: int = 3, **options
) -> FrameProjections:
    """Views at angles of no order; frame 2 has lost all of its own."""
    angles = np.random.default_rng(frames).uniform(-7, 7, (frames, views))
    mask = torch.rand(frames, views, generator=torch.Generator().manual_seed(views)) > 0.3
    mask[2 % frames] = False
    if model == "bilinear":
        return FrameProjections((shape[0], shape[0]), angles, shape[0], model=model, mask=mask, **options)
    return FrameProjections(shape, angles, 11, column_size_mm=1.3, mask=mask, **options)


def random(A: FrameProjections, rng: torch.Generator, dtype: torch.dtype = torch.float64, *batch: int):
    shapes = (*batch, *A.domain_shape), (*batch, *A.range_shape)
    return tuple(torch.randn(shape, dtype=dtype, generator=rng) for shape in shapes)


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    frames=st.integers(1, 7),
    views=st.integers(1, 4),
    dtype=st.sampled_from(DTYPES),
    batch=st.sampled_from([(), (2, 3)]),
)
def test_adjoint(model, shape, frames, views, dtype, batch):
    A = series(model, shape, frames, views, pixel_size_mm=0.8)
    assert_adjoint(A, torch.Generator().manual_seed(1), dtype=dtype, batch=batch)


@pytest.mark.parametrize("model", MODELS)
def test_adjoint_of_a_real_size_is_one_to_rounding(model: str, rng: torch.Generator) -> None:
    """Check 1 of RED-PSM's specification: 1e-12 in double precision, one view a frame."""
    angles = np.linspace(0, np.pi, 16, endpoint=False)[:, None]
    A = FrameProjections((128, 128), angles, 128, model=model)
    assert_adjoint(A, rng, dtype=torch.float64, tolerance=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_frame_equals_its_beam(model: str, dtype: torch.dtype, rng: torch.Generator) -> None:
    A = series(model, pixel_size_mm=1.0)
    tolerance = {"rtol": 0, "atol": 1e-12 if dtype in (torch.float64, torch.complex128) else 1e-4}
    x, y = random(A, rng, dtype)
    seen, image = A.forward(x), A.adjoint(y)
    for t, mask in enumerate(A.mask):
        beam = A.frame_beam(t)
        torch.testing.assert_close(seen[t], beam.forward(x[t]) * mask[:, None], **tolerance)
        torch.testing.assert_close(image[t], beam.adjoint(y[t] * mask[:, None]), **tolerance)
    assert not seen[2].any() and not image[2].any()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("chunk", [200, 1 << 22])
def test_torch_operations_give_the_kernels_numbers(
    model: str, chunk: int, rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_points, "CHUNK_POINTS", chunk)
    A = series(model)
    x, y = random(A, rng)
    frames = np.array([3, 0, 3, 1, 4])
    kernels, gathered = A.transform.kernels, A.transform.gathered
    expected = torch.from_numpy(kernels.forward(x.numpy(), frames))
    torch.testing.assert_close(gathered.forward(x, frames), expected, rtol=0, atol=1e-12)
    expected = torch.from_numpy(kernels.adjoint(y.flatten(1).numpy(), frames))
    torch.testing.assert_close(gathered.adjoint(y.flatten(1), frames), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_runs_of_frames_masks_and_multiples(model: str, rng: torch.Generator) -> None:
    A = series(model)
    x, y = random(A, rng, torch.float64, 2)
    seen = A.forward(x)
    torch.testing.assert_close(A.forward_of(x[1, 3:], slice(3, None)), seen[1, 3:])
    torch.testing.assert_close(A.forward_of(x[0, ::2], slice(None, None, 2)), seen[0, ::2])
    torch.testing.assert_close(A.adjoint_of(y[1, 1:4], slice(1, 4)), A.adjoint(y)[1, 1:4])
    whole = A.with_mask(torch.ones_like(A.mask))
    torch.testing.assert_close(whole.forward(x) * A.mask[..., None], seen)
    torch.testing.assert_close((0.25 * A).adjoint(y), 0.25 * A.adjoint(y))


@pytest.mark.parametrize("model", MODELS)
def test_gradient_is_the_adjoint(model: str, rng: torch.Generator) -> None:
    A = series(model, (5, 4), frames=3)
    x, y = random(A, rng)
    assert torch.autograd.gradcheck(A.forward, x.requires_grad_())
    assert torch.autograd.gradcheck(A.adjoint, y.requires_grad_())


@pytest.mark.parametrize("model", MODELS)
def test_the_number_of_threads_changes_no_bit(model: str, rng: torch.Generator) -> None:
    A = series(model, (20, 20), frames=9)
    x, y = random(A, rng, torch.float32)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = A.forward(x), A.adjoint(y)
        torch.set_num_threads(3)
        together = A.forward(x), A.adjoint(y)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(alone[0], together[0]) and torch.equal(alone[1], together[1])


@pytest.mark.parametrize("model", MODELS)
def test_it_holds_little(model: str) -> None:
    angles = np.linspace(0, np.pi, 128, endpoint=False)[:, None]
    A = FrameProjections((128, 128), angles, 128, model=model)
    assert A.held_bytes < 1e6  # the dense operator of the published code: 2.1e9


def test_arguments_that_do_not_fit_are_refused() -> None:
    two = np.zeros((2, 1))
    with pytest.raises(ValueError, match=r"angles_rad must have the shape \(frame, view\), got \(3,\)"):
        FrameProjections((4, 4), np.zeros(3), 4)
    with pytest.raises(ValueError, match="angles_rad must be finite, got 1 that are not"):
        FrameProjections((4, 4), np.array([[0.0], [np.nan]]), 4)
    with pytest.raises(ValueError, match=r"mask must have the shape \(2, 1\) of angles_rad, got \(2, 2\)"):
        FrameProjections((4, 4), two, 4, mask=torch.ones(2, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="mask must be bool"):
        FrameProjections((4, 4), two, 4, mask=torch.ones(2, 1))
    with pytest.raises(ValueError, match=r"image_shape must be \(ny, nx\), got \(4,\)"):
        FrameProjections((4,), two, 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n_columns must be positive, got 0"):
        FrameProjections((4, 4), two, 0)
    with pytest.raises(ValueError, match="model must be one of joseph, bilinear, got exact"):
        FrameProjections((4, 4), two, 4, model="exact")  # type: ignore[arg-type]
    for wrong in ({"n_columns": 5}, {"image_shape": (4, 6)}, {"detector_offset_mm": 0.5}):
        arguments = {"image_shape": (4, 4), "angles_rad": two, "n_columns": 4} | wrong
        with pytest.raises(ValueError, match="model must be joseph unless frames are square"):
            FrameProjections(**arguments, model="bilinear")
    with pytest.raises(ValueError, match=r"x must end in axes \(2, 4, 4\), got shape \(3, 4, 4\)"):
        FrameProjections((4, 4), two, 4).forward(torch.zeros(3, 4, 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("model", MODELS)
def test_adjoint_on_cuda(model: str, rng: torch.Generator) -> None:
    for dtype in DTYPES:
        assert_adjoint(series(model).cuda(), rng, dtype=dtype, device="cuda")
