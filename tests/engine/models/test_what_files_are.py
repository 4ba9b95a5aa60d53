"""What people put in the model's place is told by what is in it, and each kind is refused by a sentence of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.models.faults import SENTENCES
from engine.models.loading import load_model
from storage.errors import ModelRefused
from storage.states import ModelFault

UNET, VAE, CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
OPEN_CLIP = "conditioner.embedders.0.model."
FIRST = f"{UNET}input_blocks.0.0.weight"
WHOLE = {FIRST: (8, 4, 3, 3), f"{VAE}decoder.conv_in.weight": (8, 4, 3, 3), f"{CLIP}final_layer_norm.weight": (8,)}

# The names are those of the published files.
FILES: dict[str, tuple[ModelFault, dict[str, tuple[int, ...]]]] = {
    "ControlNet, as lllyasviel's": (ModelFault.CONTROLNET, {"control_model.input_blocks.0.0.weight": (8, 4, 3, 3)}),
    "ControlNet, as diffusers'": (ModelFault.CONTROLNET, {"controlnet_cond_embedding.conv_in.weight": (8, 3, 3, 3)}),
    "IP adapter": (ModelFault.CONTROLNET, {"image_proj.proj.weight": (8, 8), "ip_adapter.1.to_k_ip.weight": (8, 8)}),
    "VAE, as diffusers'": (
        ModelFault.VAE_ONLY,
        {"decoder.conv_in.weight": (8, 4, 3, 3), "encoder.conv_in.weight": (8, 3, 3, 3)},
    ),
    "VAE, cut out of a model": (ModelFault.VAE_ONLY, {f"{VAE}decoder.conv_in.weight": (8, 4, 3, 3)}),
    "LoRA, as kohya's": (ModelFault.LORA, {"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": (4, 8)}),
    "LoRA, as PEFT's": (ModelFault.LORA, {"unet.mid_block.attentions.0.proj_in.lora_A.weight": (4, 8)}),
    "LoHa": (ModelFault.LORA, {"lora_unet_mid_block_attentions_0_proj_in.hada_w1_a": (8, 4)}),
    "embedding": (ModelFault.EMBEDDING, {"emb_params": (2, 8)}),
    "SDXL embedding": (ModelFault.EMBEDDING, {"clip_l": (2, 8), "clip_g": (2, 8)}),
    "Flux, as its makers'": (ModelFault.FLUX, {"double_blocks.0.img_attn.qkv.weight": (24, 8)}),
    "Flux, as one file for everything": (ModelFault.FLUX, {f"{UNET}double_blocks.0.img_attn.qkv.weight": (24, 8)}),
    "Flux, as diffusers'": (ModelFault.FLUX, {"single_transformer_blocks.0.proj_mlp.weight": (8, 8)}),
    "SD 3": (ModelFault.SD3, {f"{UNET}joint_blocks.0.context_block.attn.qkv.weight": (24, 8)}),
    "PixArt, as its makers'": (ModelFault.PIXART, {"y_embedder.y_proj.fc1.weight": (8, 8)}),
    "PixArt, as diffusers'": (ModelFault.PIXART, {"adaln_single.linear.weight": (8, 8)}),
    "refiner": (
        ModelFault.REFINER,
        {
            FIRST: (8, 4, 3, 3),
            f"{UNET}label_emb.0.0.weight": (8, 8),
            f"{OPEN_CLIP}ln_final.weight": (8,),
            f"{VAE}decoder.conv_in.weight": (8, 4, 3, 3),
        },
    ),
    "inpainting": (ModelFault.INPAINTING, {**WHOLE, FIRST: (8, 9, 3, 3)}),
    "InstructPix2Pix": (ModelFault.EDITING, {**WHOLE, FIRST: (8, 8, 3, 3)}),
    "ControlNet with the model it was made on": (
        ModelFault.CONTROLNET,
        {**WHOLE, "control_model.input_blocks.0.0.weight": (8, 4, 3, 3)},
    ),
    "text encoder": (ModelFault.TEXT_ENCODER_ONLY, {"text_model.encoder.layers.0.mlp.fc1.weight": (8, 8)}),
    "upscaler": (ModelFault.UPSCALER, {"model.1.sub.0.RDB1.conv1.0.weight": (8, 8, 3, 3)}),
    "something of which nobody has heard": (ModelFault.OTHER, {"mystery": (8,)}),
}


def refused(path: Path) -> tuple[ModelFault, str]:
    with pytest.raises(ModelRefused) as caught:
        load_model(str(path), device="cpu")
    return ModelFault(caught.value.facts["fault"]), str(caught.value)


@pytest.mark.parametrize(("fault", "shapes"), FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("is_folder", [False, True], ids=["named", "in a folder"])
def test_a_file_that_cannot_draw_is_refused_by_what_it_is(
    fault: ModelFault, shapes: dict[str, tuple[int, ...]], is_folder: bool, tmp_path: Path
) -> None:
    path = tmp_path / "mine" / "dream.safetensors"
    path.parent.mkdir()
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, path)
    found, sentence = refused(path.parent if is_folder else path)
    assert found is fault
    assert sentence.endswith(SENTENCES[fault])


INDEXES: dict[str, tuple[ModelFault, dict[str, object]]] = {
    "Flux": (ModelFault.FLUX, {"_class_name": "FluxPipeline", "transformer": ["diffusers", "FluxTransformer2DModel"]}),
    "SD 3": (ModelFault.SD3, {"_class_name": "StableDiffusion3Pipeline"}),
    "PixArt": (ModelFault.PIXART, {"_class_name": "PixArtSigmaPipeline"}),
    "ControlNet": (ModelFault.CONTROLNET, {"_class_name": "StableDiffusionControlNetPipeline"}),
    "video": (ModelFault.VIDEO, {"_class_name": "AnimateDiffPipeline"}),
    "refiner": (
        ModelFault.REFINER,
        {
            "_class_name": "StableDiffusionXLImg2ImgPipeline",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "text_encoder": [None, None],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    ),
}


@pytest.mark.parametrize(("fault", "index"), INDEXES.values(), ids=INDEXES.keys())
def test_a_folder_that_cannot_draw_is_refused_by_what_it_is(
    fault: ModelFault, index: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    found, sentence = refused(tmp_path)
    assert found is fault
    assert sentence.endswith(SENTENCES[fault])


PARTS = {
    "ControlNetModel": ModelFault.CONTROLNET,
    "AutoencoderKL": ModelFault.VAE_ONLY,
    "UNet2DConditionModel": ModelFault.UNET_ONLY,
    "FluxTransformer2DModel": ModelFault.FLUX,
    "SD3Transformer2DModel": ModelFault.SD3,
}


@pytest.mark.parametrize(("kind", "fault"), PARTS.items())
def test_the_folder_of_one_part_is_refused_by_what_it_is(kind: str, fault: ModelFault, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": kind}))
    assert refused(tmp_path)[0] is fault


def test_no_two_kinds_share_a_sentence() -> None:
    assert set(SENTENCES) == set(ModelFault)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
