"""The file that everybody has: one .safetensors in the original layout, loaded without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin, StableDiffusionXLLoraLoaderMixin
from safetensors.torch import load, load_file, save_file

from bench.full_size import kohya_layers
from engine.exports.about import about_seal
from engine.exports.lora_file import diffusers_file, kohya_file
from engine.models.declared import SD2_TELLING
from engine.models.loading import load_model
from engine.models.machine import Machine
from engine.models.vocabulary import clip_tokenizer
from storage.errors import ModelRefused
from storage.states import ModelFault
from tests.engine.drawing import drawn, rows_of
from tests.engine.original_files import original_file, original_tensors, tiny_parts, write
from tests.engine.sealing import Memory, attempt, small_training

FAMILIES = ("sd1", "sd2", "sdxl")
UNET = "model.diffusion_model."
FIRST_LAYER = f"{UNET}input_blocks.0.0.weight"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and an address at which no hub answers."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def loaded(path: Path) -> Machine:
    return load_model(str(path), device="cpu")


def refused(path: Path) -> ModelFault:
    with pytest.raises(ModelRefused) as caught:
        loaded(path)
    return ModelFault(caught.value.facts["fault"])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_number_of_the_file_is_in_the_model_and_it_draws(family: str) -> None:
    machine = loaded(original_file(family))
    parts = {"unet": machine.unet, "vae": machine.vae, "text_encoder": machine.text_encoders[0]}
    if family == "sdxl":
        parts["text_encoder_2"] = machine.text_encoders[1]
    for name, part in tiny_parts(family).items():
        found = parts[name].state_dict()
        for key, value in part.state_dict().items():
            assert torch.equal(found[key], value.half().float()), f"{name}.{key}"
    assert (machine.family, machine.size_px, machine.max_tokens) == (family, 64, 77)
    assert len(drawn(machine, rows_of(2, width_px=64, height_px=64))) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_other_number_formats_are_widened_to_what_computes(dtype: torch.dtype) -> None:
    machine = loaded(original_file("sd1", dtype))
    weight = original_tensors("sd1")[FIRST_LAYER]
    assert torch.equal(machine.unet.conv_in.weight, weight.to(dtype).float())


def test_weights_beside_the_model_are_left_where_they_are(tmp_path: Path) -> None:
    averages = {f"model_ema.{key.replace('.', '')}": value for key, value in original_tensors("sd1").items()}
    path = write(
        tmp_path / "ema.safetensors", {**original_tensors("sd1"), **averages, "global_step": torch.tensor([1])}
    )
    assert torch.equal(loaded(path).unet.conv_in.weight, original_tensors("sd1")[FIRST_LAYER])


def test_the_old_spelling_of_clip_is_read(tmp_path: Path) -> None:
    old = {key.replace(".transformer.text_model.", ".transformer."): v for key, v in original_tensors("sd1").items()}
    machine = loaded(write(tmp_path / "old.safetensors", old))
    encoder = tiny_parts("sd1")["text_encoder"]
    assert torch.equal(machine.text_encoders[0].final_layer_norm.weight, encoder.final_layer_norm.weight)


def test_clips_vocabulary_is_the_published_one() -> None:
    tokenizer = clip_tokenizer("!")
    assert tokenizer("a photo of an astronaut").input_ids == [49406, 320, 1125, 539, 550, 18376, 49407]
    assert (len(tokenizer), tokenizer.pad_token_id, tokenizer.model_max_length) == (49408, 0, 77)


WITHOUT = {
    ModelFault.NO_VAE: ("first_stage_model.",),
    ModelFault.NO_TEXT_ENCODER: ("cond_stage_model.", "conditioner."),
    ModelFault.NO_UNET: (UNET,),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fault", list(WITHOUT))
def test_a_missing_part_is_named(family: str, fault: ModelFault, tmp_path: Path) -> None:
    kept = {key: value for key, value in original_tensors(family).items() if not key.startswith(WITHOUT[fault])}
    assert refused(write(tmp_path / "part.safetensors", kept)) is fault


@pytest.mark.parametrize(
    "lost",
    [
        "model.diffusion_model.middle_block.1.norm.weight",
        "first_stage_model.decoder.conv_out.bias",
        "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.weight",
    ],
)
def test_a_single_missing_tensor_is_noticed(lost: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in original_tensors("sd1").items() if key != lost}
    assert len(kept) + 1 == len(original_tensors("sd1"))
    assert refused(write(tmp_path / "hole.safetensors", kept)) is ModelFault.INCOMPLETE


def test_a_layer_too_many_is_not_left_out_in_silence(tmp_path: Path) -> None:
    more = {**original_tensors("sd1"), f"{UNET}output_blocks.0.1.proj_in.weight": torch.zeros(4, 4, 1, 1)}
    assert refused(write(tmp_path / "more.safetensors", more)) is ModelFault.INCOMPLETE


def test_half_a_download_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(original_file("sd1").read_bytes()[:-100_000])
    assert refused(path) is ModelFault.DAMAGED


def test_a_quantised_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "q.safetensors", {**original_tensors("sd1"), "scaled_fp8": torch.zeros(2)})
    assert refused(path) is ModelFault.QUANTIZED


def said(family: str, tmp_path: Path, more: dict[str, torch.Tensor] | None = None, **metadata: str) -> Machine:
    return loaded(write(tmp_path / "said.safetensors", {**original_tensors(family), **(more or {})}, **metadata))


@pytest.mark.parametrize(
    ("more", "metadata"),
    [
        ({"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}, {}),
        ({"ztsnr": torch.tensor([])}, {"modelspec.prediction_type": "v"}),
        ({}, {"ss_v_parameterization": "True", "ss_zero_terminal_snr": "True"}),
    ],
    ids=["keys", "modelspec", "kohya"],
)
def test_what_a_file_says_of_its_prediction_is_what_draws_and_trains(
    more: dict[str, torch.Tensor], metadata: dict[str, str], tmp_path: Path
) -> None:
    machine = said("sdxl", tmp_path, more, **metadata)
    config = machine.noise_scheduler_config
    assert machine.prediction == "v_prediction"
    assert (config["rescale_betas_zero_snr"], config["timestep_spacing"]) == (True, "trailing")


def test_a_file_that_says_nothing_predicts_noise(tmp_path: Path) -> None:
    machine = said("sdxl", tmp_path)
    assert machine.prediction == "epsilon"
    assert not machine.noise_scheduler_config.get("rescale_betas_zero_snr")


@pytest.mark.parametrize(("scale", "prediction", "size"), [(0.02, "epsilon", 512), (0.3, "v_prediction", 768)])
def test_the_two_kinds_of_sd_two_are_told_apart_by_a_tensor(
    scale: float, prediction: str, size: int, tmp_path: Path
) -> None:
    deep = original_tensors("sd2", layers=2)  # the published rule names a block that only as many layers have
    bias = torch.linspace(-1, 1, len(deep[SD2_TELLING])) * scale
    path = write(tmp_path / "two.safetensors", {**deep, SD2_TELLING: bias}, **{"modelspec.resolution": ""})
    machine = loaded(path)
    assert (machine.prediction, machine.size_px) == (prediction, size)


def test_the_yaml_that_lies_beside_a_file_counts(tmp_path: Path) -> None:
    (tmp_path / "said.yaml").write_text('model:\n  params:\n    parameterization: "v"\n')
    assert said("sd2", tmp_path).prediction == "v_prediction"


def test_the_size_a_file_was_made_for_is_its_own(tmp_path: Path) -> None:
    assert said("sd1", tmp_path, **{"modelspec.resolution": "128x128"}).size_px == 128


def test_a_headers_nonsense_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "deep.safetensors"
    for header in (b"[" * 200_000, b'{"a":' * 50_000):
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        assert refused(path) is ModelFault.DAMAGED
    save_file({f"t{number}": torch.zeros(1) for number in range(60_000)}, path)
    assert refused(path) is ModelFault.DAMAGED


def test_the_file_of_a_folder_that_holds_nothing_else_is_the_model(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    save_file(load_file(original_file("sd1")), tmp_path / "mine" / "dream.safetensors")
    assert loaded(tmp_path / "mine").family == "sd1"


@pytest.mark.parametrize("family", FAMILIES)
def test_two_steps_of_training_on_such_a_file_go_home_under_names_that_the_world_knows(
    family: str, tmp_path: Path
) -> None:
    machine, memory = loaded(original_file(family)), Memory()
    asked = replace(small_training(memory, steps=2, checkpoints=1), samples=())
    for _ in attempt(asked, machine, memory):
        pass
    (adapter,) = memory.adapters.values()
    assert len(memory.losses) == 2
    about = about_seal(machine, asked.recipe, name="seal", trigger="ohwx", pictures=4, step=2)
    names = {key.removesuffix(".weight") for key in original_tensors(family)}
    layers = {key.split(".")[0] for key in load(kohya_file(adapter, about))}
    assert layers
    assert layers <= kohya_layers(names, family)
    file = tmp_path / "seal-diffusers.safetensors"
    file.write_bytes(diffusers_file(adapter, about))
    lands_in_plain_diffusers(machine, file)


def lands_in_plain_diffusers(machine: Machine, file: Path) -> None:
    """By diffusers' own loader onto the very parts: every tensor has a place there."""
    loader = StableDiffusionXLLoraLoaderMixin if machine.family == "sdxl" else StableDiffusionLoraLoaderMixin
    found = loader.lora_state_dict(file)
    loader.load_lora_into_unet(found[0], found[1], machine.unet, adapter_name="home")
    placed = [key for key, _ in machine.unet.named_parameters() if ".home." in key]
    assert len(placed) == len(found[0]) > 0
