"""The free icon sets the embedded model learns from: fetched from npm, found by name, rendered with resvg."""

import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import resvg_py
from PIL import Image

SIZE = 128  # pixels, the model's picture size
CATEGORIES = ("Animals & Nature", "Food & Drink", "Travel & Places", "Objects", "Activities")
FEWEST_SETS = 5
# From the other categories: what people ask for and what has a shape of its own. Faces would be a hundred yellow discs.
OTHERS = (
    "robot", "ghost", "alien", "alien monster", "skull", "skull and crossbones", "red heart", "broken heart",
    "sparkling heart", "bomb", "clown face", "goblin", "ogre", "brain", "bone", "tooth", "collision", "love letter",
    "footprints",
)  # fmt: skip

# Versions are pinned: another edition of a set would be another data set.
PACKAGES = {
    "fluent-emoji": "1.2.7",
    "fluent-emoji-flat": "1.2.6",
    "fluent-emoji-high-contrast": "1.2.6",
    "noto": "1.2.9",
    "noto-v1": "1.2.5",
    "fxemoji": "1.2.2",
    "twemoji": "1.2.5",
    "emojione": "1.2.3",
    "streamline-emojis": "1.2.4",
    "openmoji": "1.2.29",
}
UNSEEN = "openmoji"  # CC BY-SA: never trained on; the look that a seal has to learn

# Older sets name some icons in their own way; what they call a "cat" may be a cat's face.
OTHER_NAMES: dict[str, dict[str, str]] = {
    "fxemoji": {
        "cat face": "cat", "cat": "catside", "dog face": "dog", "dog": "dogside", "rabbit face": "bunny",
        "rabbit": "bunnyside", "mouse face": "mouse", "mouse": "mouseside", "tiger face": "tiger",
        "tiger": "tigerside", "leopard": "leopardside", "dragon face": "dragonhead", "dragon": "dragonside",
        "cow face": "cowface", "horse face": "horseface", "monkey face": "monkeyface", "panda": "pandaface",
        "wolf": "wolfface", "pig face": "pig", "pig": "pigside", "pig nose": "pigsnout", "hamster": "hampster",
        "evergreen tree": "evergreen", "ear of corn": "earofmaize", "sheaf of rice": "earofrice",
        "eggplant": "aubergine", "hot pepper": "chilipepper", "gem stone": "gem", "locked": "lock",
        "locked with key": "lockandkey", "locked with pen": "lockwithinkpen", "castle": "europeancastle",
        "fork and knife": "forkknife", "fallen leaf": "fallingleaf", "curry rice": "curryandrice",
        "house": "housebuilding", "houses": "housebuildings", "bouquet": "bouquetofflowers",
        "flashlight": "electrictorch", "bullseye": "directhit", "high voltage": "bolt", "bacon": "",
        "hourglass done": "hourglass", "hourglass not done": "hourglassflowingsand", "dove": "doveofpeace",
        "two hump camel": "bactriancamel", "camel": "dromedarycamel", "mobile phone": "cellphone",
        "basketball": "basketballandhoop", "red paper lantern": "izakayalantern", "moai": "moyai",
        "fishing pole": "fishingpoleandfish", "sparkler": "fireworksparkler", "pen": "lowerleftpen",
        "crayon": "lowerleftcrayon", "paintbrush": "lowerleftpaintbrush", "pencil": "lowerleftpencil",
        "fountain pen": "lowerleftfountainpen", "magnifying glass tilted left": "leftmagnifyingglass",
        "high heeled shoe": "heels", "kitchen knife": "hocho", "confetti ball": "confetti",
        "fish cake with swirl": "fishcakeswirl", "dollar banknote": "banknotedollar",
        "euro banknote": "banknoteeuro", "pound banknote": "banknotepound", "yen banknote": "banknoteyen",
        "beach with umbrella": "beachumbrella", "full moon face": "fullmoonwithface",
        "globe showing americas": "americasglobe", "globe with meridians": "meridianglobe",
        "scissors": "blackscissors", "telephone": "blacktelephone", "bell with slash": "bellcancellation",
        "framed picture": "framewithpicture", "front facing baby chick": "frontfacingchick",
        "mans shoe": "mensshoe", "bookmark tabs": "bookmarktab", "floppy disk": "blackhardshellfloppy",
    },
    "streamline-emojis": {"fox": "fox-face-1", "frog": "frog-face", "bear": "bear-face", "lion": "lion-face",
                          "panda": "panda-face", "hamster": "hamster-face", "game die": "game-dice",
                          "wine glass": "red-wine-glass", "backpack": "school-backpack"},
}  # fmt: skip


@dataclass(frozen=True)
class IconSet:
    """One set: its name, licence, and the SVG body of each icon."""

    name: str
    licence: str
    author: str
    icons: dict[str, dict[str, Any]]
    aliases: dict[str, str]
    width: int
    height: int

    def find(self, subject: str) -> str | None:
        """The icon of a subject in prompt words ("cat face"), or None."""
        own = OTHER_NAMES.get(self.name, {}).get(subject)
        if own is not None:
            return own if own in self.icons else None
        plain = subject.replace(" ", "-")
        for name in (plain, f"{plain}-1", plain.replace("-", "")):
            name = self.aliases.get(name, name)
            if name in self.icons:
                return name
        return None

    def render(self, icon: str, size: int = SIZE) -> npt.NDArray[np.uint8]:
        """An icon as uint8 RGBA of shape (size, size, 4), black where the set leaves the colour open."""
        body = self.icons[icon]
        width, height = body.get("width", self.width), body.get("height", self.height)
        left, top = body.get("left", 0), body.get("top", 0)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{left} {top} {width} {height}" width="{size}" height="{size}" color="#000">{body["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
        return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA"))


def fetch(folder: Path) -> None:
    """Install the pinned packages under `folder` with npm. Raises CalledProcessError with npm's words if it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [f"@iconify-json/{name}@{version}" for name, version in PACKAGES.items()]
    npm = shutil.which("npm") or "npm"
    subprocess.run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *wanted], check=True)  # noqa: S603 - our own list


def read(folder: Path, name: str) -> IconSet:
    """Read one installed set."""
    package = folder / "node_modules" / "@iconify-json" / name
    icons = json.loads((package / "icons.json").read_text())
    info = json.loads((package / "info.json").read_text())
    return IconSet(
        name=name,
        licence=info["license"]["spdx"],
        author=info["author"]["name"],
        icons=icons["icons"],
        aliases={alias: value["parent"] for alias, value in icons.get("aliases", {}).items()},
        width=icons.get("width", 16),
        height=icons.get("height", icons.get("width", 16)),
    )


def subjects(folder: Path) -> list[tuple[str, str]]:
    """Every (subject in prompt words, category): the five categories without clock faces, and OTHERS.

    Twenty-four clock faces differ in one hand's place only: nothing that anybody would ask for.
    """
    package = folder / "node_modules" / "@iconify-json" / "fluent-emoji-flat"
    categories = json.loads((package / "metadata.json").read_text())["categories"]
    found = [
        (name.replace("-", " "), category)
        for category in CATEGORIES
        for name in categories[category]
        if not name.endswith(("-oclock", "-thirty"))
    ]
    category_of = {name.replace("-", " "): category for category, names in categories.items() for name in names}
    return found + [(words, category_of[words]) for words in OTHERS]
