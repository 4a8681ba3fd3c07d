"""Validation of a network during its training, on held-out patches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise.common import devices
from tomodenoise.networks.models import Normalisation
from tomodenoise.splitting import by_angle
from tomodenoise.splitting.model import Role
from tomodenoise.training import cutting, patches, store
from tomodenoise.training.cutting import Batch
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.patches import Draw, Pairs, Shape

PIXELS = 600_000
"""Approximate number of pixels of a validation, in 8 to 64 patches."""


@dataclass(frozen=True)
class Exam:
    """Fixed patches for validation."""

    pairs: Sequence[Batch]
    """Patches in the roles of training, for the split loss."""
    twins: Sequence[tuple[Batch, Batch]]
    """Pairs with equal inputs and disjoint targets, for the uMSE; none with too few sections."""


def prepare(
    sources: Sequence[store.Source],
    roles: Sequence[Role],
    shape: Shape,
    norm: Normalisation,
    batch: int,
    memory: float,
    seed: Sequence[int],
    ranks: Ranks,
) -> Exam:
    """Draw patches from the held-out part; each rank gets its share."""
    (held,) = store.stores(sources, shape.halo, norm, memory, [seed], ranks.device)
    field = patches.field(sources, ranks.device)
    pairs = patches.pairs(sources, roles)
    rng = np.random.default_rng([*seed, 1])
    twins = [patches.pairs(sources, [role]) for role in by_angle.apart(roles[0]) or ()]
    count = max(1, int(np.clip(round(PIXELS / shape.pixels), 8, 64)) // batch)
    drawn = patches.draw(held, field, pairs, shape, batch, count * [rng], first=0)
    mine = range(ranks.rank, count, ranks.world)

    def cut(pairs: Pairs, drawn: Draw) -> list[Batch]:
        places = cutting.locate(held, field, pairs, shape, drawn).to(ranks.device)
        return [cutting.cut(held, field, pairs, shape, places[number]) for number in mine]

    first = replace(drawn, role=0 * drawn.role)
    twin_batches = [cut(twin, first) for twin in twins]
    return Exam(cut(pairs, drawn), list(zip(*twin_batches, strict=True)))


@torch.no_grad()
def judge(network: nn.Module, exam: Exam, ranks: Ranks) -> tuple[float, float | None]:
    """Judge a network on held-out patches, see `errors`."""
    return errors(partial(predict, network), exam, ranks)


def errors(predictor: Callable[[Batch], Tensor], exam: Exam, ranks: Ranks) -> tuple[float, float | None]:
    """Measure the error of a predictor on held-out patches.

    Returns
    -------
    The split loss, mean (f - b)^2, and the uMSE, mean (a - f)(b - f) with independent targets a and b, an unbiased
    estimate of the mean square error [Marcos Morales et al., ICML 2023], None without twins; both in units of the
    normalisation's variance.
    """
    sums = torch.zeros(4, dtype=torch.float64, device=ranks.device)
    for batch in exam.pairs:
        error = predictor(batch) - batch.targets
        sums[:2] += _sums(error.square(), batch.masks)
    for a, b in exam.twins:
        prediction = predictor(a)
        sums[2:] += _sums((a.targets - prediction) * (b.targets - prediction), a.masks)
    split, pixels, product, twin_pixels = ranks.total(sums).tolist()
    return split / pixels, product / twin_pixels if twin_pixels else None


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """Apply a network to a batch: float32, of the shape of its targets."""
    with devices.autocast(batch.inputs.device):
        prediction: Tensor = network(devices.arranged(batch.inputs))
    return prediction.float()


def _sums(values: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([(values * mask).sum(), mask.sum()]).double()
