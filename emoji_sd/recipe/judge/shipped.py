"""The judge that ships, so that anybody grades in minutes: fp16, with its own accuracy on real pictures."""

import hashlib
import json
from dataclasses import asdict, astuple
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

from emoji_sd.recipe.data.vocabulary import Vocabulary
from emoji_sd.recipe.judge.evaluate import Grades
from emoji_sd.recipe.judge.judge import Judge

FILE = Path(__file__).parents[2] / "judge.safetensors"


def classes(vocabulary: Vocabulary) -> str:
    """The looks (processes and all) and subjects that the judge's classes stand for, in order, as one sha256."""
    named = [[list(astuple(look)) for look in vocabulary.looks], [subject.words for subject in vocabulary.subjects]]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def write(judge: Judge, vocabulary: Vocabulary, accuracy: dict[str, Grades], file: Path = FILE) -> None:
    """Write a trained judge with its own accuracy on held-out real pictures."""
    tensors = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in judge.state_dict().items()
    }
    metadata = {name: asdict(grades) for name, grades in accuracy.items()}
    new = file.with_name(f"{file.name}.new")
    save_file(tensors, new, metadata={"classes": classes(vocabulary), "accuracy": json.dumps(metadata)})
    new.replace(file)


def load(vocabulary: Vocabulary, file: Path = FILE) -> tuple[Judge, dict[str, Grades]]:
    """The judge in fp32, ready to judge, and its accuracy as it was measured when it was trained.

    Raises SystemExit where its classes are not this vocabulary's.
    """
    with safe_open(file, framework="pt") as found:
        metadata = found.metadata()
        tensors = {name: found.get_tensor(name) for name in found.keys()}  # noqa: SIM118 - not a dict
    if metadata["classes"] != classes(vocabulary):
        raise SystemExit(f"{file.name} knows another vocabulary: train one with `python -m emoji_sd judge`.")
    judge = Judge(len(vocabulary.looks) + 1, len(vocabulary.subjects))
    judge.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})
    accuracy = {name: Grades(**grades) for name, grades in json.loads(metadata["accuracy"]).items()}
    return judge.eval().requires_grad_(False), accuracy
