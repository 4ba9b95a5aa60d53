"""What `make lock` does: uv writes down which versions are installed, with the hashes of their files, in locks/.

Of PyTorch, CUDA and Triton the versions alone: which file is theirs depends on the card and on the index.
`python -m launch.lock --keep` adds what is new and leaves the other versions as they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path("locks")
TORCH, DEVELOPMENT = FOLDER / "torch.txt", FOLDER / "development.txt"
UV = (str(Path(sys.executable).with_name("uv")), "pip", "compile", "pyproject.toml", "--quiet", "--universal")
LOOK = ("--python-version", "3.11", "--no-header", "--no-annotate")
EXTRAS = {
    TORCH: ("--extra=engine",),
    DEVELOPMENT: ("--extra=bot", "--extra=engine", "--extra=rehearsal", "--extra=recipe", "--group=dev"),
    FOLDER / "bot.txt": ("--extra=bot", "--group=build"),  # of the images
    FOLDER / "engine.txt": ("--extra=engine", "--extra=eight-bit", "--group=build"),
}
PACKAGE = re.compile(r"^\S.*\n(?:    .*\n)*", re.MULTILINE)
BY_VERSION = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")


def compiled(extras: tuple[str, ...], constraints: list[Path], *, hashes: bool) -> list[str]:
    """The packages that these extras come to, each with its hashes below it."""
    within = [f"--constraint={path}" for path in constraints]
    command = [*UV, *LOOK, *extras, *within, *(["--generate-hashes"] if hashes else [])]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 - uv, with our own arguments
    return PACKAGE.findall(text)


def main(*, keep: bool) -> None:
    """Writes all four; what the earlier ones hold binds the later ones."""
    fixed = [path for path in (TORCH, DEVELOPMENT) if keep]
    for path, extras in EXTRAS.items():
        found = compiled(extras, fixed, hashes=path != TORCH)
        path.write_text("".join(one for one in found if bool(BY_VERSION.match(one)) == (path == TORCH)))
        fixed.append(path)


if __name__ == "__main__":
    main(keep="--keep" in sys.argv[1:])
