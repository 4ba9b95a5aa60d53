"""Keeps what was sent: documents byte for byte, photos as Telegram does – JPEG, at most 1280 px, no metadata."""

from __future__ import annotations

import asyncio
import io
import mimetypes
import re
import secrets
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from rehearsal.records import StoredFile
from rehearsal.refusals import Refusal, bad_request

MAX_UPLOAD_BYTES = 50 << 20  # Bot API: sendDocument
MAX_DOWNLOAD_BYTES = 20 << 20  # Bot API: getFile
MAX_PHOTO_BYTES = 10 << 20  # Bot API: sendPhoto
MAX_PHOTO_SUM_PX = 10_000  # Bot API: width + height
MAX_PHOTO_RATIO = 20  # Bot API
PHOTO_SIDES_PX = (90, 320, 800, 1280)  # Telegram's sizes s, m, x, y
JPEG_QUALITY = 87
MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)  # what a sender says becomes a header


def sizes_of(data: bytes) -> list[tuple[bytes, int, int]]:
    """The JPEG copies of a photo as (bytes, width, height), smallest first. Raises Refusal for what is no photo."""
    if len(data) > MAX_PHOTO_BYTES:
        raise bad_request(f"file of size {len(data)} bytes is too big for a photo; the maximum size is 10485760 bytes")
    try:
        opened = Image.open(io.BytesIO(data))
        check_dimensions(*opened.size)
        picture = flattened(ImageOps.exif_transpose(opened))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    longest = max(picture.size)
    sides = [side for side in PHOTO_SIDES_PX if side < longest]
    sides.append(min(longest, PHOTO_SIDES_PX[-1]))
    return [scaled(picture, side) for side in sorted(set(sides))]


def check_dimensions(width: int, height: int) -> None:
    """Raises Refusal for what Telegram would not take as a photo."""
    if width + height > MAX_PHOTO_SUM_PX or max(width, height) > MAX_PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def flattened(picture: Image.Image) -> Image.Image:
    """RGB on white, as JPEG knows no transparency."""
    rgba = picture.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(ground, rgba).convert("RGB")


def scaled(picture: Image.Image, side_px: int) -> tuple[bytes, int, int]:
    """The picture with its longer side at `side_px`, as JPEG."""
    copy = picture.copy()
    copy.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue(), copy.width, copy.height


class Files:
    """The files of one rehearsal; bytes in a folder, facts in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, StoredFile] = {}

    async def keep_document(self, data: bytes, name: str, mime: str = "") -> StoredFile:
        """Keeps the bytes as they are."""
        if len(data) > MAX_UPLOAD_BYTES:
            raise Refusal(413, "Request Entity Too Large")
        if not data:
            raise bad_request("file must be non-empty")
        mime = mimetypes.guess_type(name)[0] or (mime if MIME.fullmatch(mime) else "application/octet-stream")
        return await self._write("BQAC", data, StoredFile("", "", len(data), name or "file", mime))

    async def keep_photo(self, data: bytes) -> list[str]:
        """Keeps the JPEG copies; returns their file ids, smallest first."""
        if not data:
            raise bad_request("file must be non-empty")
        copies = await asyncio.to_thread(sizes_of, data)
        kept = [
            await self._write("AgAC", copy, StoredFile("", "", len(copy), "", "image/jpeg", width, height))
            for copy, width, height in copies
        ]
        ids = [file.file_id for file in kept]
        for file in kept:
            file.photo = ids
        return ids

    async def _write(self, prefix: str, data: bytes, file: StoredFile) -> StoredFile:
        file.file_id = prefix + secrets.token_urlsafe(36)
        file.unique_id = "AQAD" + secrets.token_hex(8)
        await asyncio.to_thread(self._store, file.unique_id, data)
        self.known[file.file_id] = file
        return file

    def _store(self, unique_id: str, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / unique_id).write_bytes(data)

    def photo(self, file_id: str) -> list[str]:
        """All sizes of a photo that was sent before. Raises Refusal."""
        sizes = self._find(file_id).photo
        if not sizes:
            raise bad_request("can't use file of type Document as Photo")
        return sizes

    def document(self, file_id: str) -> str:
        """A document that was sent before. Raises Refusal."""
        if self._find(file_id).photo:
            raise bad_request("can't use file of type Photo as Document")
        return file_id

    def _find(self, file_id: str) -> StoredFile:
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")  # nothing leaves this machine
        if file_id not in self.known:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return self.known[file_id]

    def downloadable(self, file_id: str) -> StoredFile:
        """The facts of a file that getFile may hand out. Raises Refusal."""
        if file_id not in self.known:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        file = self.known[file_id]
        if file.size > MAX_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return file

    def path(self, file: StoredFile) -> Path:
        """Where its bytes lie."""
        return self.folder / file.unique_id

    def at_path(self, path: str) -> StoredFile | None:
        """The file that getFile named with this path."""
        return next((file for file in self.known.values() if link_of(file) == path), None)


def link_of(file: StoredFile) -> str:
    """The `file_path` of getFile."""
    folder = "photos" if file.photo else "documents"
    return f"{folder}/{file.unique_id}{Path(file.name or 'photo.jpg').suffix}"
