"""The looks: an icon set each, or an image process over one; and the picture composed on a coloured ground.

A process takes uint8 RGBA (SIZE, SIZE, 4), the ground's colour and a seeded generator; it returns uint8 RGB.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from emoji_sd.recipe.data import icons
from emoji_sd.recipe.data.icons import SIZE

Pixels = npt.NDArray[np.uint8]
Process = Callable[[Pixels, npt.NDArray[np.float64], np.random.Generator], Pixels]

# Prompt words of a ground and its sRGB colour; a picture's ground varies a little around it.
GROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (250, 250, 250), "black": (18, 18, 20), "navy blue": (28, 40, 88), "beige": (238, 222, 190),
    "light blue": (165, 210, 242), "pink": (248, 180, 204), "mint green": (170, 228, 194), "yellow": (250, 216, 84),
    "purple": (128, 84, 176), "red": (208, 52, 52), "orange": (246, 146, 52), "gray": (150, 152, 156),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A look: its prompt words, the set it is drawn from, and the process over it if there is one."""

    words: str
    source: str
    process: str = ""


LOOKS = (
    Look("glossy 3d render", "fluent-emoji", "glossy"),
    Look("flat vector", "fluent-emoji-flat"),
    Look("black and white icon", "fluent-emoji-high-contrast", "ink"),
    Look("cartoon", "noto", "inked"),
    Look("vintage cartoon", "noto-v1", "aged"),
    Look("muted illustration", "fxemoji", "muted"),
    Look("flat sticker", "twemoji", "die_cut"),
    Look("soft illustration", "emojione", "airbrush"),
    Look("outlined comic", "twemoji", "comic"),
    Look("pixel art", "noto", "pixel_art"),
    Look("watercolor", "fluent-emoji-flat", "watercolor"),
    Look("neon sign", "twemoji", "neon"),
    Look("pencil sketch", "noto", "pencil"),
)

AGED_PAPER, AGED_INK = np.array([240.0, 220.0, 180.0]), np.array([72.0, 46.0, 28.0])  # sRGB
INK, CHALK = np.array([26.0, 20.0, 36.0]), np.array([255.0, 214.0, 92.0])  # sRGB
LINE, MARGIN = 4.0, 5.0  # around a cartoon and a sticker, in pixels
STROKE, CONTRAST = 2.3, 50.0  # of a comic's lines: pixels to each side, and levels of sRGB that part two colours
RIM, BLEEDING = 3.0, 0.5  # of a watercolor's wash: pixels, and its share of the paper's colour
CELL = 8  # pixels of a cell of pixel art: as large as a cell of the latents

UNSEEN = Look("openmoji", icons.UNSEEN)  # the judge's last class

# Sets differ in more than what their looks are called: lines or none, and how much of the picture a figure fills. So a
# look is also shown in a manner, whose words are said before it: manners, and how many pictures of a pair show each.
OUTLINED, SMALL = "outlined", "small"
LINED = ("flat vector", "cartoon", "vintage cartoon", "muted illustration", "flat sticker")  # looks that are outlined
MANNERS: dict[str, int] = {"": 6, OUTLINED: 3, SMALL: 2, f"{SMALL} {OUTLINED}": 2}
FINE_STROKE = 1.5  # of an outline, in pixels to each side
FURTHER = 0.75  # times as large: a small figure


def is_shown(look: Look, manner: str) -> bool:
    """Whether there are pictures of a look in a manner."""
    return OUTLINED not in manner.split() or look.words in LINED


def in_manner(manner: str, look: str) -> str:
    """A look's words with a manner's before them; either may be empty."""
    return f"{manner} {look}".strip()


def _smooth(shape: tuple[int, int], scale: float, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """Smooth noise of standard deviation 1 with features of about `scale` pixels."""
    field = ndimage.gaussian_filter(chance.standard_normal(shape), scale, mode="reflect")
    return np.asarray(field / (field.std() + 1e-9))


def _over(figure: Pixels, ground: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Alpha composition of RGBA over a colour (3,) or a picture (SIZE, SIZE, 3), as floats 0 … 255."""
    alpha = figure[..., 3:].astype(np.float64) / 255
    return np.asarray(figure[..., :3] * alpha + ground * (1 - alpha))


def _luminance(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114]))


def _bytes(picture: npt.NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def plain(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """The set as it is."""
    return _bytes(_over(figure, ground))


def ink(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """One colour: black ink on light grounds, white on dark ones."""
    shade = 15.0 if _luminance(ground) > 90 else 245.0
    alpha = figure[..., 3:].astype(np.float64) / 255
    return _bytes(shade * alpha + ground * (1 - alpha))


def glossy(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """A body that swells towards the eye: lit from the upper left, dark at the lower right, its shadow below it."""
    alpha = figure[..., 3].astype(np.float64) / 255
    height = 10 * (ndimage.gaussian_filter(alpha, 3) + ndimage.gaussian_filter(alpha, 6))
    down, across = np.gradient(height)
    light = (down + across)[..., None]  # how far the body leans towards the lamp
    colour = figure[..., :3].astype(np.float64)
    lit = colour + 0.3 * light * np.where(light > 0, 255 - colour, colour)
    shadow = ndimage.shift(ndimage.gaussian_filter(alpha, 4), (6, 3))[..., None]
    wall = ground * (1 - 0.55 * shadow)
    return _bytes(lit * alpha[..., None] + wall * (1 - alpha[..., None]))


def inked(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """A brush's line around the figure: dark on light grounds, light on dark ones."""
    far = ndimage.distance_transform_edt(figure[..., 3] < 128)
    line = np.clip(LINE + 0.5 - far, 0, 1)[..., None]
    shade = INK if _luminance(ground) > 70 else CHALK
    return _bytes(_over(figure, shade * line + ground * (1 - line)))


def comic(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """Bold lines around the figure and wherever its colours meet, and eight rays bursting out behind it."""
    line = lines(figure, STROKE)
    down, across = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    rays = np.clip(0.5 - np.hypot(down, across) * np.cos(8 * np.arctan2(down, across)) / 8, 0, 1)[..., None]
    wall = ground + 0.2 * rays * ((255.0 if _luminance(ground) < 90 else 0.0) - ground)
    return _bytes(_over(figure, wall) * (1 - line) + INK * line)


def lines(figure: Pixels, stroke: float) -> npt.NDArray[np.float64]:
    """How much of each pixel (SIZE, SIZE, 1) is a line around the figure or where its colours meet, 0 … 1.

    `stroke`: pixels to each side, at most 2.5.
    """
    pre = _premultiplied(figure).astype(np.float64)
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= stroke
    spread = [ndimage.maximum_filter(c, footprint=disc) - ndimage.minimum_filter(c, footprint=disc) for c in pre.T]
    return np.asarray(np.clip((np.max(spread, axis=0).T - CONTRAST) / 30, 0, 1)[..., None])


def aged(figure: Pixels, ground: npt.NDArray[np.float64], chance: np.random.Generator) -> Pixels:
    """An old print: faded towards sepia, blacks turned brown, on grainy paper."""
    fresh = _over(figure, ground)
    sepia = _luminance(fresh)[..., None] / 255 * (AGED_PAPER - AGED_INK) + AGED_INK
    faded = (fresh + sepia) / 2
    return _bytes(faded + 3.0 * _smooth((SIZE, SIZE), 1.2, chance)[..., None])


def muted(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """Colours turned gray by two thirds, and a long shadow down to the right."""
    alpha = figure[..., 3].astype(np.float64) / 255
    shadow = np.zeros((SIZE, SIZE))
    for step in range(SIZE // 3):
        shadow[step:, step:] = np.maximum(shadow[step:, step:], alpha[: SIZE - step, : SIZE - step])
    wall = ground * (1 - 0.4 * shadow[..., None])
    colour = figure[..., :3].astype(np.float64)
    gray = _luminance(colour)[..., None]
    dull = gray + (colour - gray) / 3
    return _bytes(dull * alpha[..., None] + wall * (1 - alpha[..., None]))


def die_cut(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """A sticker: a white margin cut around the figure, and the shadow it throws."""
    alpha = figure[..., 3].astype(np.float64) / 255
    far = ndimage.distance_transform_edt(alpha < 0.5)
    margin = np.clip(MARGIN + 0.5 - far, 0, 1)
    shadow = ndimage.shift(ndimage.gaussian_filter(margin, 2.5), (2.5, 1.5))
    wall = ground * (1 - 0.55 * shadow[..., None])
    white = 255 * margin[..., None] + wall * (1 - margin[..., None])
    return _bytes(_over(figure, white))


def airbrush(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """Pastel colours without a hard edge, and a glow around the figure."""
    pre = ndimage.gaussian_filter(_premultiplied(figure).astype(np.float64), (2.0, 2.0, 0))
    alpha = pre[..., 3:] / 255
    pastel = 0.5 * pre[..., :3] + 0.5 * 255 * alpha
    glow = ndimage.gaussian_filter(figure[..., 3].astype(np.float64) / 255, 8)[..., None]
    wall = ground + 0.75 * glow * (255 - ground)
    return _bytes(pastel + wall * (1 - alpha))


def pixel_art(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """Cells of 8 pixels, as large as a latent's; ten colours, no soft edges."""
    cells = SIZE // CELL
    small = np.asarray(Image.fromarray(_premultiplied(figure)).resize((cells, cells), Image.Resampling.BOX))
    alpha = small[..., 3:].astype(np.float64)
    colour = np.where(alpha > 0, small[..., :3] * 255.0 / np.maximum(alpha, 1), 0)
    few = Image.fromarray(_bytes(colour)).quantize(10, kmeans=1, dither=Image.Dither.NONE).convert("RGB")
    sprite = np.where(alpha > 127, np.asarray(few, np.float64), ground)
    return _bytes(sprite).repeat(CELL, 0).repeat(CELL, 1)


def _premultiplied(figure: Pixels) -> Pixels:
    alpha = figure[..., 3:].astype(np.float64) / 255
    return np.concatenate([_bytes(figure[..., :3] * alpha), figure[..., 3:]], -1)


def watercolor(figure: Pixels, ground: npt.NDArray[np.float64], chance: np.random.Generator) -> Pixels:
    """Washes on blotched paper: pigment gathers dark at the figure's rim, and its colours bleed beyond it."""
    places = np.mgrid[:SIZE, :SIZE] + np.stack([2.0 * _smooth((SIZE, SIZE), 5, chance) for _ in range(2)])
    pre = _premultiplied(figure).astype(np.float64)
    moved = np.stack([ndimage.map_coordinates(pre[..., c], places, order=1) for c in range(4)], -1)
    colour, alpha = _blurred(moved, 1.6)
    bled, reach = _blurred(moved, 7.0)
    deep = ndimage.distance_transform_edt(moved[..., 3] > 128)
    rim = (np.exp(-(((deep - RIM) / RIM) ** 2)) * (deep > 0))[..., None]
    blots = [np.clip(_smooth((SIZE, SIZE), scale, chance), -2, 2)[..., None] for scale in (5, 7)]
    paper = ground + 9 * blots[0]
    paper += BLEEDING * reach * (1 + 0.3 * blots[1]) * (bled - paper)
    cover = alpha * np.clip(0.5 + 0.5 * rim + 0.1 * blots[1], 0, 1)
    return _bytes(colour * (1 - 0.4 * rim) * cover + paper * (1 - cover))


def _blurred(pre: npt.NDArray[np.float64], radius: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Colour (SIZE, SIZE, 3) and cover (SIZE, SIZE, 1), 0 … 1, of a blurred premultiplied figure."""
    soft = ndimage.gaussian_filter(pre, (radius, radius, 0))
    alpha = soft[..., 3:] / 255
    return np.where(alpha > 0.02, soft[..., :3] / np.maximum(alpha, 0.02), 255), alpha


def neon(figure: Pixels, ground: npt.NDArray[np.float64], _chance: np.random.Generator) -> Pixels:
    """Glowing tubes along the lines of the figure, before a wall of the ground's colour at night."""
    wall = ground * 0.22 + 6
    flat = _over(figure, np.array([0.0, 0.0, 0.0]))
    alpha = figure[..., 3].astype(np.float64)
    lines = np.zeros((SIZE, SIZE))
    for layer, weight in ((alpha, 1.0), *((flat[..., c], 0.9) for c in range(3))):
        soft = ndimage.gaussian_filter(layer, 1.0)
        lines = np.maximum(lines, weight * np.hypot(ndimage.sobel(soft, 0), ndimage.sobel(soft, 1)))
    tube = np.clip((lines - 90) / 220, 0, 1)
    colour = ndimage.gaussian_filter(flat, (2.5, 2.5, 0)) / (
        ndimage.gaussian_filter(alpha, 2.5)[..., None] / 255 + 0.05
    )
    bright = colour.max(-1, keepdims=True)
    vivid = colour / np.maximum(bright, 1) * 255
    gray = (bright - colour.min(-1, keepdims=True)) / np.maximum(bright, 1) < 0.18
    vivid = np.where(gray, np.array([90.0, 225.0, 255.0]), vivid * 0.85 + 20)
    glow = ndimage.gaussian_filter(vivid * tube[..., None], (4, 4, 0)) * 1.5
    core = vivid * tube[..., None] + 110 * np.clip(tube - 0.55, 0, 1)[..., None]
    return _bytes(wall + glow + core)


def pencil(figure: Pixels, ground: npt.NDArray[np.float64], chance: np.random.Generator) -> Pixels:
    """Graphite on tinted paper: lines from a colour dodge, hatching in the shadows."""
    gray = _luminance(_over(figure, np.array([255.0, 255.0, 255.0])))
    soft = ndimage.gaussian_filter(255 - gray, 3.0)
    dodge = np.clip(gray * 255 / np.maximum(255 - soft, 1), 0, 255)
    outline = ndimage.gaussian_filter(figure[..., 3].astype(np.float64), 0.8)
    outline = np.clip(np.hypot(ndimage.sobel(outline, 0), ndimage.sobel(outline, 1)) / 700, 0, 0.75)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    hatch = (np.sin((rows + columns) * 1.15 + 1.5 * _smooth((SIZE, SIZE), 6, chance)) > 0.2) * np.clip(
        (150 - gray) / 190, 0, 0.5
    )
    grain = 1 + 0.02 * _smooth((SIZE, SIZE), 0.7, chance)
    light = np.minimum(dodge / 255, 1 - outline) * (1 - hatch) * grain
    if _luminance(ground) > 90:
        return _bytes(ground * np.clip(0.16 + 0.84 * light, 0, 1)[..., None])
    return _bytes(ground + (232 - ground) * np.clip(1 - light, 0, 1)[..., None])  # white pencil on dark paper


PROCESSES: dict[str, Process] = {
    "": plain, "ink": ink, "glossy": glossy, "inked": inked, "comic": comic, "aged": aged, "muted": muted,
    "die_cut": die_cut, "airbrush": airbrush, "pixel_art": pixel_art, "watercolor": watercolor, "neon": neon,
    "pencil": pencil,
}  # fmt: skip


def place(figure: Pixels, chance: np.random.Generator, *, centred: bool = False, further: float = 1.0) -> Pixels:
    """The figure a little smaller and a little off the centre; all of that `further` times as large.

    Never mirrored, and shifted by less than a latent's eight pixels: half the pictures each way round would make the
    mean picture of a caption, which is all that the noisiest timesteps can learn, a blur of two.
    """
    scale, across, down = (0.9, 0.5, 0.5) if centred else chance.uniform((0.84, 0.25, 0.25), (0.96, 0.75, 0.75))
    size, room = round(SIZE * scale * further), (SIZE - round(SIZE * scale)) * further
    small = Image.fromarray(_premultiplied(figure)).resize((size, size), Image.Resampling.LANCZOS)
    left, top = (round((SIZE - size) / 2 + room * (one - 0.5)) for one in (across, down))
    canvas = np.zeros((SIZE, SIZE, 4), np.uint8)
    canvas[top : top + size, left : left + size] = np.asarray(small)
    alpha = canvas[..., 3:].astype(np.float64)
    colour = np.where(alpha > 0, canvas[..., :3] * 255.0 / np.maximum(alpha, 1), 0)
    return np.concatenate([_bytes(colour), canvas[..., 3:]], -1)


def ground_colour(name: str, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """The named ground's sRGB colour (3,), varied by up to 8 levels a channel."""
    return np.clip(np.array(GROUNDS[name], np.float64) + chance.uniform(-8, 8, 3), 0, 255)


def draw(
    figure: Pixels,
    look: Look,
    ground: str,
    chance: np.random.Generator,
    *,
    centred: bool = False,
    manner: str = "",
) -> Pixels:
    """One real picture: a figure in a look and one of MANNERS on a ground, uint8 RGB (SIZE, SIZE, 3)."""
    said = manner.split()
    colour = ground_colour(ground, chance)
    placed = place(figure, chance, centred=centred, further=FURTHER if SMALL in said else 1.0)
    picture = PROCESSES[look.process](placed, colour, chance)
    if OUTLINED not in said:
        return picture
    line = lines(placed, FINE_STROKE)
    return _bytes(picture * (1 - line) + INK * line)
