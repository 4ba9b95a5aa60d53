"""What a model says of itself: what it predicts, its noise schedule, its native size. One source for all who ask.

Drawing and training both read `noise_scheduler_config`; here is who writes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.models.headers import Header
from storage.families import FAMILIES, Family

EPSILON, V = "epsilon", "v_prediction"
SD2_V_DEVIATION = 0.09  # ComfyUI, supported_models.py, SD20.model_type: of the tensor below, 768-v lies above
SD2_TELLING = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
SIZE_LIMITS = (64, 2048)
SIZE_GRAIN = 64


@dataclass(frozen=True)
class Declared:
    """`prediction`: epsilon or v_prediction; `size_px`: the side that it was made for."""

    prediction: str
    zero_terminal_snr: bool
    size_px: int

    def schedule(self, published: Mapping[str, Any]) -> dict[str, Any]:
        """The family's published noise schedule with what this model says.

        Under zero terminal SNR the last step must be the noisiest: "trailing" (Lin et al. 2023, arXiv 2305.08891).
        """
        found = {**published, "prediction_type": self.prediction}
        if self.zero_terminal_snr:
            found |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        return found


def declared(header: Header, family: Family, beside: Path | None = None, telling: float | None = None) -> Declared:
    """What a single file says by its keys, by its metadata, or by the .yaml `beside` it.

    `telling`: the deviation that tells SD 2.x 768-v from the 512 base, for files that say nothing.
    """
    row, prediction = FAMILIES[family], _prediction(header, beside)
    if prediction is None:
        is_v = row.size_v_px is not None and telling is not None and telling > SD2_V_DEVIATION
        prediction = V if is_v else EPSILON
    size = row.size_v_px if row.size_v_px and prediction == V else row.size_px
    is_zero = header.has("ztsnr") or _is_true(header.metadata.get("ss_zero_terminal_snr"))
    return Declared(prediction, is_zero, _size(header) or size)


def _prediction(header: Header, beside: Path | None) -> str | None:
    said = header.metadata
    if header.has("v_pred"):
        return V
    if kind := said.get("modelspec.prediction_type", "").lower():
        return V if kind.startswith("v") else EPSILON
    if "ss_v_parameterization" in said:
        return V if _is_true(said["ss_v_parameterization"]) else EPSILON
    name = said.get("modelspec.architecture") or said.get("ss_base_model_version") or ""
    if re.search(r"768-v|v2_v|v2-v", name):
        return V
    return _from_yaml(beside)


def _from_yaml(beside: Path | None) -> str | None:
    """The `parameterization` in the .yaml that AUTOMATIC1111 wants beside an SD 2.x file."""
    if beside is None or not beside.is_file():
        return None
    with beside.open(encoding="utf-8", errors="replace") as file:
        found = re.search(r"^\s*parameterization:\s*[\"']?(\w+)", file.read(100_000), re.MULTILINE)
    if found is None:
        return None
    return V if found[1] == "v" else EPSILON


def _size(header: Header) -> int | None:
    """The side of a square of as many pixels as the file was made for, where it says so."""
    said = header.metadata.get("modelspec.resolution") or header.metadata.get("ss_resolution") or ""
    sides = [int(number) for number in re.findall(r"\d{1,5}", said)[:2]]
    if not sides:
        return None
    side = round((sides[0] * sides[-1]) ** 0.5 / SIZE_GRAIN) * SIZE_GRAIN
    return side if SIZE_LIMITS[0] <= side <= SIZE_LIMITS[1] else None


def _is_true(said: str | None) -> bool:
    return (said or "").strip().lower() in ("true", "1", "yes")
