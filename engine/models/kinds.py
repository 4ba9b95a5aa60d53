"""What a file or folder is, by what is in it: a model that can draw here, by its family, or what it is instead.

Pure: looks at names and shapes that others have read. The names are those of the programs that write such files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.models.headers import Header
from storage.families import FAMILIES, OPEN_CLIP, OPEN_CLIP_XL, Family
from storage.states import ModelFault

UNET, VAE = "model.diffusion_model.", "first_stage_model."
OPEN_CLIP_REFINER = "conditioner.embedders.0.model."
CONV_IN = f"{UNET}input_blocks.0.0.weight"
BY_CHANNELS = {9: ModelFault.INPAINTING, 8: ModelFault.EDITING, 5: ModelFault.OTHER, 7: ModelFault.UPSCALER}
LATENT_CHANNELS = 4

LORA = (".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".hada_w1", ".lokr_w", ".oft_", "lora_unet")
QUANTS = (".absmax", ".quant_state", "scaled_fp8", ".scale_weight", ".weight_scale", ".qweight", ".qzeros")
CONTROL = ("control_model.", "controlnet_", "input_hint_block.", "image_proj.", "ip_adapter.", "adapter.body.")
MOTION = ("motion_modules.", ".time_stack.", ".time_mix", "temporal_transformer", "patchify_proj.", "t5_yproj.")
TRANSFORMERS: tuple[tuple[ModelFault, tuple[str, ...]], ...] = (
    (ModelFault.SD3, ("joint_blocks.",)),
    (
        ModelFault.VIDEO,
        ("individual_token_refiner", "text_embedding.0.weight", "net.blocks.0.block", "patch_embed.proj3d"),
    ),
    (ModelFault.FLUX, ("double_blocks.", "single_transformer_blocks.")),
    (ModelFault.PIXART, ("y_embedder.y_proj.", "adaln_single.linear", "caption_projection.linear_1")),
)
DIFFUSERS_UNET = ("down_blocks.0.resnets.", "down_blocks.1.resnets.")
VAE_ALONE = ("decoder.conv_in.weight", "encoder.conv_in.weight")
ENCODERS = ("text_model.", "encoder.block.0.", "transformer.resblocks.", "shared.weight", "text_encoders.")
UPSCALERS = ("body.0.rdb1", "RRDB_trunk.", "model.1.sub.0.", "conv_first.weight")
EMBEDDING_KEYS = {"emb_params", "clip_l", "clip_g", "string_to_param"}
TEXT_WIDTHS = (768, 1024, 1280)  # of CLIP-L, OpenCLIP H and bigG: an embedding's rows are as wide
EMBEDDING_KIND = "/textual-inversion"  # ends ModelSpec's architecture

PIPELINES: tuple[tuple[str, ModelFault], ...] = (
    ("Flux", ModelFault.FLUX),
    ("StableDiffusion3", ModelFault.SD3),
    ("SD3", ModelFault.SD3),
    ("PixArt", ModelFault.PIXART),
    *((word, ModelFault.VIDEO) for word in ("Video", "AnimateDiff", "Wan", "LTX", "Mochi", "TextToVideo", "Cosmos")),
    ("Upscale", ModelFault.UPSCALER),
    ("InstructPix2Pix", ModelFault.EDITING),
    ("ControlNet", ModelFault.CONTROLNET),
    ("T2IAdapter", ModelFault.CONTROLNET),
    ("MotionAdapter", ModelFault.VIDEO),
    ("Autoencoder", ModelFault.VAE_ONLY),
    ("VQModel", ModelFault.VAE_ONLY),
    ("UNet2DCondition", ModelFault.UNET_ONLY),
    ("Transformer", ModelFault.UNET_ONLY),
    ("TextModel", ModelFault.TEXT_ENCODER_ONLY),
    ("T5", ModelFault.TEXT_ENCODER_ONLY),
)


def family_of_file(header: Header) -> Family | ModelFault:
    """The family of a whole model in the original layout; else what it is, or what it lacks."""
    if header.has(CONV_IN):
        return _whole(header)
    return _fault_of(header)


def _whole(header: Header) -> Family | ModelFault:
    channels = header.shape(CONV_IN)[1:2]
    if channels != (LATENT_CHANNELS,):
        return BY_CHANNELS.get(channels[0] if channels else 0, ModelFault.OTHER)
    for fault, holds in _hindrances():
        if holds(header):
            return fault
    if header.has(f"{UNET}label_emb.0.0.weight"):
        family = Family.SDXL
    else:
        family = Family.SD2 if header.has_under(OPEN_CLIP) or _projects_linearly(header) else Family.SD1
    if not all(header.has_under(prefix) for prefix in FAMILIES[family].texts):
        return ModelFault.NO_TEXT_ENCODER
    return family if header.has_under(VAE) else ModelFault.NO_VAE


def _hindrances() -> tuple[tuple[ModelFault, Callable[[Header], bool]], ...]:
    return (
        (ModelFault.QUANTIZED, lambda header: _named(header, QUANTS)),
        (ModelFault.VIDEO, lambda header: _named(header, MOTION)),
        (ModelFault.CONTROLNET, lambda header: header.has_under("control_model.")),
        (ModelFault.EDM, lambda header: header.has("edm_mean", "edm_vpred.sigma_max")),
        (ModelFault.REFINER, lambda header: header.has_under(OPEN_CLIP_REFINER) and not header.has_under(OPEN_CLIP_XL)),
    )


def _projects_linearly(header: Header) -> bool:
    return any(
        name.endswith(".proj_in.weight") and len(tensor.shape) == 2
        for name, tensor in header.tensors.items()
        if name.startswith(UNET)
    )


def _fault_of(header: Header) -> ModelFault:
    """What a file without an SD U-Net is: the first that holds."""
    verdicts: tuple[tuple[ModelFault, bool], ...] = (
        (ModelFault.LORA, "ss_network_module" in header.metadata or _named(header, LORA)),
        (ModelFault.EMBEDDING, _is_embedding(header)),
        (ModelFault.VIDEO, _named(header, MOTION)),
        (ModelFault.CONTROLNET, header.has_under(*CONTROL)),
        *((fault, _named(header, names)) for fault, names in TRANSFORMERS),
        (ModelFault.UNET_ONLY, header.has("input_blocks.0.0.weight") or header.has_under(*DIFFUSERS_UNET)),
        (ModelFault.NO_UNET, header.has_under(VAE) and _has_text(header)),
        (ModelFault.VAE_ONLY, header.has(*VAE_ALONE) or header.has_under(VAE)),
        (ModelFault.UPSCALER, _named(header, UPSCALERS)),
        (ModelFault.TEXT_ENCODER_ONLY, _named(header, ENCODERS)),
    )
    return next((fault for fault, holds in verdicts if holds), ModelFault.OTHER)


def _is_embedding(header: Header) -> bool:
    """Learnt tokens: by what the file says, by the keys programs give them, or rows alone under the trigger."""
    if header.metadata.get("modelspec.architecture", "").endswith(EMBEDDING_KIND):
        return True
    names = set(header.tensors)
    if len(names) != 1:
        return bool(names) and names <= EMBEDDING_KEYS
    (name,) = names
    shape = header.shape(name)
    return name in EMBEDDING_KEYS or (len(shape) in (1, 2) and shape[-1] in TEXT_WIDTHS and "." not in name)


def _has_text(header: Header) -> bool:
    return header.has_under("cond_stage_model.", "conditioner.embedders.")


def _named(header: Header, parts: tuple[str, ...]) -> bool:
    return any(part in name for name in header.tensors for part in parts)


def fault_of_class(name: str) -> ModelFault | None:
    """What a diffusers or transformers class of this name is, where that is no model that can draw here."""
    return next((fault for word, fault in PIPELINES if word.lower() in name.lower()), None)


def fault_of_unet(config: Mapping[str, Any]) -> ModelFault | None:
    """What a U-Net of this diffusers configuration is for, where that is something else than drawing from words."""
    channels = config.get("in_channels", LATENT_CHANNELS)
    if channels != LATENT_CHANNELS:
        return BY_CHANNELS.get(int(channels), ModelFault.OTHER)
    is_refiner = config.get("addition_embed_type") == "text_time" and config.get("cross_attention_dim") == 1280
    return ModelFault.REFINER if is_refiner else None
