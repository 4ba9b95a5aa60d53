"""Sheets and plots as a person sees them: measured in pixels, in three alphabets."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from bot.screens import Asset, Cell, PictureSource, Sheet, Shown, TrainingView
from bot.sheets.ground import KEPT, PAPER, can_draw, letters
from bot.sheets.lettering import fitted, wrapped
from bot.sheets.plot import smoothed
from bot.sheets.rendering import LIBRARY, render
from bot.sheets.scale import PHONE_PX
from storage.records import ContentHash, LossPoint

RED = ContentHash("red")
BLUE = ContentHash("blue")


def read(file: ContentHash) -> bytes:
    """A picture of one colour, as the engine writes them."""
    target = BytesIO()
    Image.new("RGB", (128, 128), str(file)).save(target, "PNG")
    return target.getvalue()


def drawn(picture: PictureSource) -> Image.Image:
    """The picture as a phone decodes it."""
    return Image.open(BytesIO(render(picture, read))).convert("RGB")


def is_near(found: object, wanted: tuple[int, int, int], tolerance: int = 40) -> bool:
    """Whether a pixel has that colour, but for what JPEG does."""
    assert isinstance(found, tuple)
    return all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=True))


def test_a_small_picture_is_grown_to_what_a_phone_likes() -> None:
    assert min(drawn(Shown(file=RED)).size) >= PHONE_PX


def test_a_sheet_stays_within_what_telegram_keeps_of_a_photo() -> None:
    for columns, cells in ((3, 9), (7, 49), (4, 4), (1, 1), (2, 6)):
        sheet = drawn(Sheet(cells=tuple(Cell(file=RED) for _ in range(cells)), columns=columns))
        assert max(sheet.size) <= 1280, (columns, cells, sheet.size)


def test_a_kept_cell_wears_a_frame_and_a_rejected_one_turns_pale() -> None:
    cells = (Cell(file=RED), Cell(file=RED, framed=True), Cell(file=RED, crossed=True))
    sheet = drawn(Sheet(cells=cells, columns=3))
    width, middle = sheet.width // 3, sheet.height // 2
    plain, kept, rejected = (sheet.getpixel((width * n + width // 2, middle)) for n in range(3))
    assert is_near(plain, (255, 0, 0))
    assert is_near(kept, (255, 0, 0))
    assert is_near(rejected, PAPER, 90)
    assert not is_near(rejected, (255, 0, 0), 90)
    edge = [sheet.getpixel((x, middle)) for x in range(width - 10, width + 20)]
    assert any(is_near(pixel, KEPT) for pixel in edge)


def test_an_empty_place_is_drawn_without_a_file() -> None:
    sheet = drawn(Sheet(cells=(Cell(file=RED), Cell()), columns=2))
    assert not is_near(sheet.getpixel((sheet.width * 3 // 4, sheet.height // 2)), (255, 0, 0), 90)


@pytest.mark.parametrize("label", ["a castle", "замок на холме", "언덕 위의 성", "Euler · 20", "×1.2"])
def test_labels_of_all_three_languages_have_their_letters(label: str) -> None:
    assert can_draw(label)
    bare = drawn(Sheet(cells=(Cell(file=BLUE),), columns=1))
    labelled = drawn(Sheet(cells=(Cell(file=BLUE),), columns=1, row_labels=(label,)))
    assert labelled.size != bare.size, "a row label takes room beside the row"


def test_letters_that_no_font_of_ours_has_are_left_out_instead_of_boxes() -> None:
    assert not can_draw("城")
    pen = ImageDraw.Draw(Image.new("RGB", (10, 10)))
    assert fitted(pen, "城", 20, 500) == ""


def test_a_long_label_is_broken_between_words_and_ends_in_an_ellipsis() -> None:
    pen = ImageDraw.Draw(Image.new("RGB", (10, 10)))
    text = "a very long prompt that goes on and on over many many words"
    lines = wrapped(pen, text, 22, 170, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(pen.textlength(line, font=letters(22, line)) <= 170 for line in lines)
    assert text.startswith(lines[0])


def test_a_training_is_drawn_from_its_first_step_on() -> None:
    words = {"axis_step": "шаг", "axis_loss": "손실", "legend_training": "t", "legend_validation": "v"}
    for count in (0, 1, 50):
        losses = tuple(
            LossPoint(step=n, loss=0.1, validation_loss=0.2 if n % 10 == 0 else None) for n in range(1, count + 1)
        )
        strip = Sheet(cells=(Cell(file=RED), Cell(file=BLUE)), columns=2) if count else None
        picture = drawn(TrainingView(losses=losses, total_steps=100, strip=strip, **words))
        assert picture.width == 1280
        assert (picture.height > 620) is (strip is not None)


def test_the_plot_shows_how_heavy_the_weights_become() -> None:
    words = {"axis_step": "s", "axis_loss": "l", "legend_training": "t", "legend_validation": "v"}
    light, heavy = (
        drawn(
            TrainingView(
                losses=tuple(
                    LossPoint(step=n, loss=0.1, validation_loss=0.1, weight_norm=norm) for n, norm in enumerate(norms)
                ),
                total_steps=4,
                legend_weights="w",
                **words,
            )
        )
        for norms in ((None,) * 4, (1.0, 1.5, 1.7, 1.8))
    )
    assert light.tobytes() != heavy.tobytes()


def test_the_running_mean_of_a_constant_is_that_constant() -> None:
    assert smoothed([0.5] * 20) == pytest.approx([0.5] * 20)


def test_every_picture_that_ships_can_be_shown() -> None:
    paths = [path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.png")]
    for path in paths:
        assert min(drawn(Asset(path=str(path))).size) >= PHONE_PX


def test_the_plot_marks_the_elbow_and_the_advised_checkpoint() -> None:
    losses = tuple(LossPoint(step=n, loss=0.1, validation_loss=0.1 if n % 10 == 0 else None) for n in range(1, 101))
    words = {"axis_step": "s", "axis_loss": "l", "legend_training": "t", "legend_validation": "v"}
    marks = {"legend_elbow": "굽이", "legend_advised": "추천"}
    plain, marked, astray = (
        drawn(TrainingView(losses=losses, total_steps=100, elbow=elbow, advised=advised, **words, **marks))
        for elbow, advised in ((0, 0), (30, 50), (33, 0))
    )
    assert plain.tobytes() != marked.tobytes()
    assert plain.tobytes() == astray.tobytes(), "an elbow where nothing was checked is not drawn"
    upright = range(250, 500)  # below the dots of the curve
    green = [sum(is_near(p.getpixel((x, y)), KEPT) for x in range(560, 780) for y in upright) for p in (plain, marked)]
    assert green[0] == 0
    assert green[1] > 100
