import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxflow.operators.rays_2d import ONE_PIXEL, fan_rays, march, parallel_rays

ANGLES = np.array([0.0, 0.4, np.pi / 2, -2.3, 5.0])
U = np.stack([np.sin(ANGLES), np.cos(ANGLES)], -1)[:, None]  # (y, x)
D = np.stack([np.cos(ANGLES), -np.sin(ANGLES)], -1)[:, None]


def test_parallel_rays_lie_on_the_detector_axis():
    rays = parallel_rays(ANGLES, 4, column_size=0.5, detector_offset=0.125)
    u_c = np.array([-0.625, -0.125, 0.375, 0.875])
    np.testing.assert_allclose(rays.origin, u_c[None, :, None] * U, atol=1e-15)
    np.testing.assert_allclose(rays.direction, np.broadcast_to(D, (5, 4, 2)), atol=1e-15)


def test_flat_fan_rays_meet_their_columns():
    rays = fan_rays(ANGLES, 3, source_origin=20, source_detector=30, column_size=4.0, detector_offset=1.0)
    columns = np.array([-3.0, 1.0, 5.0])[None, :, None] * U + (30 - 20) * D
    towards = columns - rays.origin
    np.testing.assert_allclose(rays.origin, np.broadcast_to(-20 * D, (5, 3, 2)), atol=1e-14)
    np.testing.assert_allclose(
        towards, np.linalg.norm(towards, axis=-1, keepdims=True) * rays.direction, atol=1e-13
    )


def test_curved_fan_rays_are_equiangular():
    rays = fan_rays(ANGLES, 5, source_origin=20, source_detector=30, column_size=3.0, detector="curved")
    gamma = np.arange(-2, 3) * 0.1
    along_u, along_d = (rays.direction * U).sum(-1), (rays.direction * D).sum(-1)
    np.testing.assert_allclose(
        np.arctan2(along_u, along_d), np.broadcast_to(gamma, along_u.shape), atol=1e-14
    )


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    angle=st.floats(-7, 7) | st.sampled_from([0.0, np.pi / 4, np.pi / 2, np.pi]),
    size=st.floats(0.05, 3),
)
def test_lines_met_are_all_lines_inside(shape, angle, size):
    for rays in march(parallel_rays(np.array([angle]), 11, column_size=size), shape):
        k = np.arange(rays.n_lines)
        position = rays.start[:, None] + rays.step[:, None] * k
        inside = (position >= 0) & (position < (rays.width + 1) * ONE_PIXEL)
        met = (k >= rays.first[:, None]) & (k < rays.stop[:, None])
        assert (inside == met).all()
        assert (np.abs(rays.step) <= ONE_PIXEL).all()


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (1, 5)])
def test_march_equals_the_formula_ray_by_ray(shape):
    pixel = 0.7
    rays = parallel_rays(np.array([0.3, 1.2, 2.5]), 13, column_size=0.83, detector_offset=0.2)
    marched = march(rays, shape, pixel)
    weights = np.zeros((39, *shape))
    for part, images in zip(marched, (weights, weights.swapaxes(1, 2)), strict=True):
        for index, start, step, first, stop, weight in zip(*part.arrays, strict=True):
            for k in range(first, stop):
                position = (start + step * k) / ONE_PIXEL - 1
                for i in range(part.width):
                    images[index, k, i] += weight * max(0.0, 1 - abs(position - i))
    np.testing.assert_allclose(weights, _joseph(rays, shape, pixel), atol=1e-8)


def _joseph(rays, shape, pixel):
    """Joseph's weights (ray, ny, nx) written down from world coordinates."""
    ny, nx = shape
    y, x = (ny - 1) / 2 - np.arange(ny), np.arange(nx) - (nx - 1) / 2
    weights = np.zeros((rays.origin[..., 0].size, ny, nx))
    for ray, ((oy, ox), (dy, dx)) in enumerate(
        zip(rays.origin.reshape(-1, 2), rays.direction.reshape(-1, 2), strict=True)
    ):
        if abs(dy) >= abs(dx):
            meets = ox + (y - oy) / dy * dx
            weights[ray] = np.clip(1 - np.abs(meets[:, None] - x), 0, None) * pixel / abs(dy)
        else:
            meets = oy + (x - ox) / dx * dy
            weights[ray] = np.clip(1 - np.abs(meets - y[:, None]), 0, None) * pixel / abs(dx)
    return weights
