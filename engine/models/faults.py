"""Why a model cannot be used, as a sentence for the operator's terminal. The bot has its own, in three languages."""

from __future__ import annotations

from storage.errors import ModelMissing, ModelRefused
from storage.states import ModelFault

USABLE = "Stable Diffusion 1.x, 2.x and SDXL draw here."
YET = f"is {{}}. It cannot be used yet: {USABLE}"
SENTENCES: dict[ModelFault, str] = {
    ModelFault.MISSING: "cannot be found: there is no such file, folder or hub model. Look at STYLESEAL_MODEL.",
    ModelFault.NOT_FETCHED: "is not on this machine, and the hub cannot be reached or may not be asked "
    "(HF_HUB_OFFLINE). Where there is a network, fetch it: python -m engine fetch NAME.",
    ModelFault.PICKLE: "is a pickle and may run code; only .safetensors are loaded.",
    ModelFault.DAMAGED: "has a file that is damaged or not whole; fetch it again.",
    ModelFault.INCOMPLETE: "lacks weights, or has others than a model of its kind; fetch it again.",
    ModelFault.NO_UNET: "has no U-Net, which is the part that draws; take the whole model.",
    ModelFault.NO_VAE: "has no VAE, without which there is no picture; take a file that has it baked in.",
    ModelFault.NO_TEXT_ENCODER: "has no text encoder, without which it reads no prompt; take the whole model.",
    ModelFault.NO_TOKENIZER: "has no tokenizer, without which it reads no prompt; take the whole folder.",
    ModelFault.SEVERAL: "is a folder with several models; name one file in it.",
    ModelFault.QUANTIZED: "is quantised; take the fp16, bf16 or fp32 file of the same model.",
    ModelFault.NOT_FINITE: "loads, but what it says is no number, in full precision neither; it cannot draw.",
    ModelFault.MISMATCHED: "has parts that do not fit each other; it cannot draw.",
    ModelFault.LORA: "is a LoRA, not a model that draws by itself; STYLESEAL_MODEL wants the model it was made for.",
    ModelFault.EMBEDDING: "is an embedding of a word, not a model that draws by itself.",
    ModelFault.CONTROLNET: "is a ControlNet or adapter, not a model that draws by itself.",
    ModelFault.VAE_ONLY: "is only a VAE, one part of a model; take the whole model.",
    ModelFault.TEXT_ENCODER_ONLY: "is only a text encoder, one part of a model; take the whole model.",
    ModelFault.UNET_ONLY: "is only a U-Net or transformer, one part of a model; take the whole model.",
    ModelFault.UPSCALER: YET.format("an upscaler"),
    ModelFault.REFINER: YET.format("the SDXL refiner, which only finishes the base's pictures"),
    ModelFault.INPAINTING: YET.format("an inpainting model"),
    ModelFault.EDITING: YET.format("a model that edits pictures"),
    ModelFault.EDM: YET.format("made for the EDM noise schedule"),
    ModelFault.FLUX: YET.format("a Flux model"),
    ModelFault.SD3: YET.format("a Stable Diffusion 3 model"),
    ModelFault.PIXART: YET.format("a PixArt model"),
    ModelFault.VIDEO: YET.format("a video model"),
    ModelFault.OTHER: YET.format("of another kind"),
}


def refusal(fault: ModelFault, model: str) -> ModelRefused:
    """The error that says so."""
    kind = ModelMissing if fault in (ModelFault.MISSING, ModelFault.NOT_FETCHED) else ModelRefused
    return kind(f"{model} {SENTENCES[fault]}", model=model, fault=fault)
