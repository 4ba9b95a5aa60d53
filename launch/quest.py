"""`make quest`: a scripted person plays a whole quest over HTTP and the folder with everything made is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from launch.parts import free_port, product, python, wait_for_page
from launch.person import Person
from launch.processes import ROOT, Processes

PRESET = os.environ.get("QUEST_PRESET", "neon-sign")
KEEP = 18  # of the 15–20 a style wants
TRAINING_PATIENCE_SECONDS = 420.0
DIFFUSERS = "-diffusers.safetensors"
TAKEN = (DIFFUSERS, "-dataset.zip", "-card.zip")


class Teller:
    """Says what happens, with the seconds since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, what: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", flush=True)


def chooses_a_style(person: Person, tell: Teller) -> None:
    """From /start to the trigger."""
    person.says("/start")
    person.taps("quest.new")
    person.taps("style.kind", "style")
    for _ in range(5):
        if any(button.data.startswith(f"style.preset:{PRESET}:") for button in person.buttons()):
            break
        person.taps("style.page")
        time.sleep(1.5)
    person.taps("style.preset", PRESET)
    person.taps("style.ok")
    person.taps("trigger.use")
    person.taps("trigger.ok")
    tell(f"style {PRESET} and trigger chosen")


def hunts(person: Person, tell: Teller) -> None:
    """Four probes, the second is it."""
    person.taps("hunt.start")
    person.finds("hunt.pick", seconds=120)
    tell("the album of 4 is here")
    person.taps("hunt.pick", "2")


def fills_the_payload(person: Person, tell: Teller) -> None:
    """Each subject its own seed."""
    person.taps("payload.way", "a")
    person.taps("payload.start")
    person.finds("curate.keep", seconds=300)
    tell("the payload is drawn")


def curates(person: Person, tell: Teller) -> None:
    """Keeps two of three until there are enough, one at a time."""
    kept = seen = 0
    judged: set[str] = set()

    def fresh() -> Any:
        return next(
            (b for b in person.buttons() if b.data.startswith("curate.keep:") and b.args[0] not in judged), None
        )

    while kept < KEEP:
        card = person.waits("the next card", fresh)
        judged.add(card.args[0])
        seen += 1
        if seen % 3 == 0:
            person.taps("curate.reject", card.args[0])
        else:
            person.presses(card)
            kept += 1
    person.taps("curate.done")
    tell(f"{kept} kept of {seen} looked at")


def trains(person: Person, tell: Teller) -> None:
    """The fast preset, then the advised checkpoint."""
    person.taps("captions.ok")
    person.taps("train.preset", "fast")
    person.taps("train.start")
    tell("training begun")
    person.finds("seal.pick", seconds=TRAINING_PATIENCE_SECONDS)
    tell("sealed")
    person.taps("seal.pick")


def tries_and_takes(person: Person, tell: Teller) -> None:
    """A prompt, a sweep, and everything to take home."""
    person.finds("try.sweep", seconds=120)
    person.says("a castle")
    person.taps("try.sweep", seconds=120)
    person.taps("take.lora")
    person.taps("take.dataset")
    person.taps("take.card")
    person.waits("every document", lambda: is_all(person.documents()) or None, 180)
    tell("LoRA, dataset and card are here")


def is_all(documents: Sequence[Mapping[str, Any]]) -> bool:
    """Whether LoRA, dataset and card are among what came."""
    names = [document["file_name"] for document in documents]
    return all(any(name.endswith(ending) for name in names) for ending in TAKEN)


def saves(person: Person, folder: Path) -> dict[str, Path]:
    """Documents, pictures and transcript into the folder; returns the documents by suffix of their names."""
    found: dict[str, Path] = {}
    for document in person.documents():
        path = folder / Path(document["file_name"]).name
        path.write_bytes(person.downloads(document["file_id"]))
        found[path.name] = path
    pictures = folder / "chat"
    pictures.mkdir(exist_ok=True)
    lines: list[str] = []
    for message in person.messages():
        who = "bot" if message["from_bot"] else person.name
        lines.append(f"[{message['message_id']}] {who}: {message.get('text') or message.get('caption') or ''}")
        if message.get("photo"):
            largest = message["photo"][-1]
            (pictures / f"{message['message_id']:05}.jpg").write_bytes(person.downloads(largest["file_id"]))
            lines.append(f"    picture chat/{message['message_id']:05}.jpg")
        lines += [
            f"    [{b['text']}] {b.get('callback_data', '')}" for row in message.get("buttons") or [] for b in row
        ]
    (folder / "transcript.txt").write_text("\n".join(lines))
    (folder / "transcript.json").write_text(json.dumps(person.messages(), ensure_ascii=False, indent=1))
    return found


def proves(folder: Path, found: dict[str, Path], tell: Teller) -> int:
    """Loads the exported files fresh with plain diffusers and measures; returns the exit code."""
    loras = sorted(path for name, path in found.items() if is_lora(name, found))
    words = [path for name, path in found.items() if name.endswith(".safetensors") and path not in loras]
    dataset = next(path for name, path in found.items() if name.endswith(".zip") and is_dataset(path))
    tell("measuring the exported files, loaded fresh with plain diffusers")
    command = python("-m", "engine", "prove", str(loras[0]), "--dataset", str(dataset), "--out", str(folder / "proof"))
    others = ("--other", str(loras[1])) if len(loras) > 1 else ()
    spoken = ("--word", str(words[0])) if words else ()
    return subprocess.run((*command, *others, *spoken), cwd=ROOT, check=False).returncode  # noqa: S603 - our own command


def is_lora(name: str, found: dict[str, Path]) -> bool:
    """Whether it is one of the two LoRA files; a learnt word's is called by the word alone."""
    stem, dot, suffix = name.rpartition(".")
    return name.endswith(DIFFUSERS) or (f"{dot}{suffix}" == ".safetensors" and f"{stem}{DIFFUSERS}" in found)


def is_dataset(path: Path) -> bool:
    """Whether a zip holds a dataset (and not the card)."""
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("metadata.jsonl") for name in archive.namelist())


ACTS = (chooses_a_style, hunts, fills_the_payload, curates, trains, tries_and_takes)


def play(person: Person, tell: Teller, acts: int = len(ACTS)) -> None:
    """The whole quest, or its first acts."""
    for act in ACTS[:acts]:
        act(person, tell)


def plays_in(folder: Path, base: str, tell: Teller) -> dict[str, Path]:
    """Plays against the chat at `base` and saves what came of it, also when something did not come."""
    with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
        person = Person(http, "Anna")
        person.arrives()
        try:
            play(person, tell)
        finally:
            found = saves(person, folder)
    slowest = max(answer.seconds for answer in person.answers)
    tell(f"{len(person.answers)} taps, the slowest answered in {slowest:.2f} s")
    return found


def prints_folder(folder: Path) -> None:
    """Says what lies where."""
    print(f"\nEverything lies in {folder}")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent in (folder, folder / "proof"):
            print(f"  {path.relative_to(folder)}  {path.stat().st_size:,} bytes")


def main() -> int:
    """Starts the product in a folder of its own, plays, stops, proves; returns the exit code."""
    tell = Teller()
    stamp = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    folder = Path(os.environ.get("QUEST_FOLDER", ROOT / "out" / f"quest-{stamp}")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    parts = product({}, rehearsal_port=port, data=folder / "data", control=True)
    processes = Processes(parts, log_folder=folder / "logs")
    processes.start()
    try:
        if not wait_for_page(base + "/", 60):
            print(f"The rehearsal chat did not start; see {folder / 'logs'}", file=sys.stderr)
            return 1
        tell(f"rehearsal chat on {base}")
        found = plays_in(folder, base, tell)
    finally:
        processes.stop()
    code = proves(folder, found, tell)
    prints_folder(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
