"""Who competes: networks and recipes of training, each with the same pixels, reconstruction and mask."""

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import counting, denoise_recipe, simulated

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.metrics import merit
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model
from tomodenoise.networks.options import Network
from tomodenoise.splitting.model import Role
from tomodenoise.storage import sections
from tomodenoise.training import distributed, loop, steps, tasks
from tomodenoise.training.options import Train


@dataclass(frozen=True)
class Contestant:
    """A network, what it is trained on, and how."""

    network: Mapping[str, Any]
    """As in the configuration, `network`."""
    sections: int = 4
    """K; for a supervised network 0."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the default, as in the configuration, `train`."""
    inputs: int | str = "auto"
    """As in the configuration, `split.input`."""
    loss: steps.Loss = loop.squared
    exact: bool = False
    """A supervised network learns the noise-free reconstruction, blurred as the measured one is, not the truth."""

    @property
    def spec(self) -> specs.Spec:
        """The network, completed."""
        return specs.complete(Network.model_validate(self.network))


UNET = {"name": "unet"}
# So few rows are trained on that cubes have 12; so many of them make the pixels of two patches of 64 x 64.
CUBES = {"patch": 16, "batch": 5}

DENOISE_RECIPE = Contestant({"name": "unet_noskip"}, 2, {"optimizer": "adam"}, loss=denoise_recipe.loss)

CONTESTANTS: Mapping[str, Contestant] = {
    "default: unet, K=4": Contestant(UNET),
    "unet, Adam, three sections predict one": Contestant(UNET, train={"optimizer": "adam"}, inputs=3),
    "unet, K=2": Contestant(UNET, 2),
    "unet, 7 slices": Contestant({**UNET, "slices": 7}),
    "unet, 2-D (1 slice)": Contestant({**UNET, "slices": 1}),
    "unet3d": Contestant({"name": "unet3d"}, train=CUBES),
    "msd, 5 slices": Contestant({"name": "msd"}),
    "msd, 1 slice": Contestant({"name": "msd", "slices": 1}),
    "unet_noskip, l1+lcl, K=2 (`denoise` recipe)": DENOISE_RECIPE,
    "unet, supervised by the noise-free reconstruction": Contestant(UNET, 0, exact=True),
    "unet, supervised by the truth": Contestant(UNET, 0),
}


def flops(spec: specs.Spec, edge: int = 64) -> float:
    """Count the floating-point operations of one pixel in inference; training takes three times as many."""
    shape = (spec.channels, *[edge] * 3) if spec.volumetric else (spec.inputs, edge, edge)
    network, images = registry.build(spec).eval(), torch.zeros(1, *shape)
    with torch.no_grad():
        return counting.count(lambda: network(images)).operations / edge ** (3 if spec.volumetric else 2)


def options(contestant: Contestant, pixels: float, seed: int) -> Train:
    """Complete the `train` section of the configuration."""
    return Train(**{"evaluations": 10, **contestant.train, "pixels": pixels, "seed": seed})


def compete(contestant: Contestant, train: Train, scan: simulated.Scan, folder: Path) -> dict[str, float]:
    """Train on some rows and judge on others."""
    if contestant.sections:
        trained = simulated.write(folder / "trained", scan, scan.trained, contestant.sections, contestant.inputs)
    else:
        trained = simulated.write_supervised(folder / "trained", scan, scan.trained, exact=contestant.exact)
    task, lines = tasks.Task([trained], contestant.spec, train, {}), []
    began = time.process_time()
    ranks = distributed.alone(devices.best())
    model = loop.train(task, ranks, lambda history, _: lines.append(asdict(history[-1])), loss=contestant.loss)
    spent = {"cpu_seconds": time.process_time() - began, "seconds": lines[-1]["seconds"]}
    judged = simulated.write(folder / "judged", scan, (0, simulated.ROWS), 4)
    speed = {"mpx_per_s": lines[-1]["pixels"] / lines[-1]["seconds"] / 1e6}
    loss = {"split_loss": min(line["held_out_loss"] for line in lines)}
    return judge(model, judged, scan) | loss | speed | spent | {"kflop": flops(contestant.spec) / 1e3}


def judge(model: Model, judged: sections.Sections, scan: simulated.Scan) -> dict[str, float]:
    """Compare the denoised rows with the truth; and f of half of the data with the truth and with the other half."""
    truth = scan.truth[slice(*simulated.JUDGED)]
    result, averaged = (apply(model, judged, simulated.JUDGED, "full", number) for number in (1, 8))
    half = halved(judged)
    found = apply(model, half, simulated.JUDGED, "section")
    noisy = judged.read(*simulated.JUDGED)[:, 0]
    estimate = merit.umse(found, noisy[1], noisy[3], scan.mask)
    return figures(result, scan) | {
        "psnr_8": merit.psnr(averaged, truth, scan.mask, 1),
        "upsnr": merit.decibels(estimate, 1),
        "psnr_half": merit.psnr(found, truth, scan.mask, 1),
    }


def figures(result: FloatArray, scan: simulated.Scan) -> dict[str, float]:
    """Compare the judged rows (z, y, x) with the truth."""
    truth = scan.truth[slice(*simulated.JUDGED)]
    return {"psnr": merit.psnr(result, truth, scan.mask, 1), "ssim": merit.ssim(result, truth, scan.mask, 1)}


def halved(scan: sections.Sections) -> sections.Sections:
    """Let the sections 0 and 2 of four be the input: 1 and 3 are then independent of it and of each other."""
    return replace(scan, split=replace(scan.split, roles=(Role((0, 2), (1, 3)),)))


def apply(model: Model, scan: sections.Sections, rows: tuple[int, int], mode: str, ensemble: int = 1) -> FloatArray:
    """Denoise some rows: (z, y, x) float32."""
    return np.concatenate([after for _, after in inference.denoise(model, scan, rows, mode=mode, ensemble=ensemble)])
