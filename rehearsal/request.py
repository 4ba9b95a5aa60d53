"""Reads one Bot API call off the wire: form, multipart, JSON, query string or nothing at all. Judges nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from rehearsal.files import MAX_UPLOAD_BYTES
from rehearsal.refusals import Refusal, bad_request

MAX_REQUEST_BYTES = 10 * MAX_UPLOAD_BYTES + (1 << 20)  # an album of ten documents


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Call:
    """A method with its arguments as they came; strings where the wire has strings."""

    method: str
    arguments: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)


async def read_call(request: Request, method: str) -> Call:
    """The call in an HTTP request. Raises Refusal for a body that cannot be read or is too big."""
    if int(request.headers.get("content-length") or 0) > MAX_REQUEST_BYTES:
        raise Refusal(413, "Request Entity Too Large")
    arguments: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        arguments |= await read_json(request)
        return Call(method, arguments)
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return Call(method, arguments)
    uploads: dict[str, Upload] = {}
    async with request.form(max_files=40, max_fields=200, max_part_size=4 << 20) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                uploads[name] = await read_upload(value)
            else:
                arguments[name] = value
    return Call(method, arguments, uploads)


async def read_json(request: Request) -> dict[str, Any]:
    """The object in a JSON body."""
    body = await request.body()
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise bad_request("can't parse JSON object") from error
    if not isinstance(found, dict):
        raise bad_request("can't parse JSON object")
    return found


async def read_upload(part: UploadFile) -> Upload:
    """A file part; too big ones are not read."""
    if (part.size or 0) > MAX_UPLOAD_BYTES:
        raise Refusal(413, "Request Entity Too Large")
    return Upload(part.filename or "", part.content_type or "", await part.read())
