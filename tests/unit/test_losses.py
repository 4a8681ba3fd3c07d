"""Losses follow their definitions, count only within the mask, and add up over the shares of a batch."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from tomodenoise.training import losses


def batch(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    prediction, target = (torch.from_numpy(rng.normal(size=shape).astype(np.float32)) for _ in range(2))
    return prediction, target, torch.from_numpy((rng.random(shape) < 0.7).astype(np.float32))


@pytest.mark.parametrize("shape", [(3, 1, 8, 9), (2, 1, 5, 6, 7)])
@pytest.mark.parametrize(("name", "power"), [("mse", 2), ("l1", 1)])
def test_a_pixels_error_counts_where_the_mask_is_one(shape: tuple[int, ...], name: str, power: int) -> None:
    prediction, target, mask = batch(*shape)
    per_patch, errors = losses.per_patch(name, prediction, target, mask, 0)
    expected = (np.abs(prediction.numpy() - target.numpy()) ** power * mask.numpy()).reshape(shape[0], -1)
    np.testing.assert_allclose(errors, expected.sum(1), rtol=1e-5)
    np.testing.assert_allclose(per_patch, expected.mean(1), rtol=1e-5)


def test_local_contrast_is_the_definition_of_the_denoise_package() -> None:
    images = np.random.default_rng(1).normal(size=(4, 1, 12, 15))
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    expected = []
    for image in images[:, 0]:
        size = np.abs(convolve(image, kernel)[1:-1, 1:-1])
        low = size <= np.quantile(size, 0.8)
        expected.append(size[low].mean() / (size[~low].mean() + 1e-6))
    np.testing.assert_allclose(losses.contrast(torch.from_numpy(images)), expected, rtol=1e-4)


def test_local_contrast_counts_after_the_warm_up() -> None:
    prediction, target, mask = batch(2, 1, 16, 16)
    before, after, plain = (
        losses.per_patch(name, prediction, target, mask, progress)[0]
        for name, progress in (("l1+lcl", 0.05), ("l1+lcl", 0.5), ("l1", 0.5))
    )
    torch.testing.assert_close(before, plain)
    torch.testing.assert_close(after, plain + 0.01 * losses.contrast(prediction))


def test_a_blank_image_has_a_finite_local_contrast() -> None:
    blank = torch.zeros(1, 1, 8, 8, requires_grad=True)
    losses.contrast(blank).sum().backward()
    assert blank.grad is not None
    assert torch.isfinite(blank.grad).all()


@pytest.mark.parametrize("name", ["mse", "l1", "l1+lcl"])
def test_the_shares_of_several_ranks_add_up_to_the_batch(name: str) -> None:
    parts = batch(6, 1, 8, 8)
    whole = losses.per_patch(name, *parts, 1.0)[0].sum()
    shares = [losses.per_patch(name, *(part[rank::2] for part in parts), 1.0)[0].sum() for rank in (0, 1)]
    torch.testing.assert_close(sum(shares), whole)
