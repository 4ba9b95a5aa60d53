"""Who may come in: headers that make no sense, names and sites that are not ours, and what is said of every answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.rehearsal.stage import TOKEN, Stage, picture, playing
from tests.waiting import until

NONSENSE = (
    b"[::1", b"[::1]]", b"]", b"a@127.0.0.1", b"127.0.0.1:8x", b"127.0.0.1:", b"127.0.0.1:999999", b"127.0.0.1/x",
    b"127.0.0.1 evil", b"\xe2\x84\x80.example", b"\xff", b"",
)  # fmt: skip


async def spoken(stage: Stage, *lines: bytes, first: bytes = b"GET / HTTP/1.1") -> bytes:
    """What the server answers to these very bytes."""
    _, _, port = stage.address.rpartition(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"\r\n".join((first, *lines, b"connection: close", b"", b"")))
    await writer.drain()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def status(answer: bytes) -> int:
    """The number in the first line."""
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("host", NONSENSE)
async def test_a_host_that_makes_no_sense_is_answered_400_without_a_traceback(
    stage: Stage, host: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert status(await spoken(stage, b"host: " + host)) == 400
    assert status(await spoken(stage, b"host: " + host, b"origin: http://" + host)) == 400
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("lines", [(), (b"host: 127.0.0.1", b"host: evil.example")])
async def test_a_request_names_exactly_one_host(stage: Stage, lines: tuple[bytes, ...]) -> None:
    assert status(await spoken(stage, *lines)) == 400
    assert status(await spoken(stage, *lines, first=b"GET / HTTP/1.0")) == 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=some.sampled_from(["host", "origin", "cookie", "content-type", "content-length", "sec-fetch-site", "range"]),
    value=some.binary(max_size=24).filter(lambda value: not set(value) & set(b"\r\n\0")),
    path=some.sampled_from(
        ["/", "/sim/state", "/sim/send", f"/bot{TOKEN}/sendMessage", "/page/%00", "/page/..%2f..%2f"]
    ),
)
def test_no_header_makes_the_server_stumble(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: bytes, path: str
) -> None:
    async def look() -> int:
        async with playing(tmp_path_factory.mktemp("stage"), control=False) as stage:
            first = f"{'POST' if 'send' in path else 'GET'} {path} HTTP/1.1".encode()
            own = [] if name == "host" else [b"host: 127.0.0.1"]
            return status(await spoken(stage, *own, name.encode() + b": " + value, b"x: y", first=first))

    assert asyncio.run(look()) < 500


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("path", ["/sim/state", "/sim/events", "/page/app.js", f"/bot{TOKEN}/getMe"])
async def test_what_another_site_or_port_asks_for_is_refused(stage: Stage, site: str, path: str) -> None:
    """`stage` has its control API open: a script may come in, a page of another port may not."""
    for method in ("GET", "POST"):
        answer = await stage.http.request(method, path, headers={"sec-fetch-site": site})
        assert answer.status_code == 403


async def test_a_link_from_elsewhere_may_open_the_page_but_not_frame_it(stage: Stage) -> None:
    follows = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    opened = await stage.http.get("/", headers=follows)
    assert opened.status_code == 200
    assert "frame-ancestors 'none'" in opened.headers["content-security-policy"]
    assert (await stage.http.get("/", headers={**follows, "sec-fetch-dest": "iframe"})).status_code == 403
    assert (await stage.http.get("/sim/state", headers=follows)).status_code == 403


async def test_an_open_page_goes_on_after_the_server_came_back(tmp_path: Path) -> None:
    async with playing(tmp_path, control=False) as before:
        await before.http.get("/")
        cookies = dict(before.http.cookies)
    async with playing(tmp_path, control=False) as after:
        after.http.cookies.update(cookies)
        assert (await after.http.get("/sim/state")).status_code == 200
        after.http.cookies.clear()
        for forged in ("é", "x"):
            mine = "; ".join(f"{name}={forged}" for name in cookies)
            assert (await after.http.get("/sim/state", headers={"cookie": mine.encode()})).status_code == 403


async def test_every_answer_says_that_it_is_what_it_says_and_for_us_alone(stage: Stage, anna: int) -> None:
    for path in ("/", "/page/app.js", "/sim/state", "/nothing", f"/bot{TOKEN}/getMe"):
        headers = (await stage.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert not [name for name in headers if name.startswith("access-control")], path


@pytest.mark.parametrize("mime", ["text/html", "image/svg+xml", "text/html\u2028x", "любой/тип", "a/b; c=d"])
async def test_a_file_that_people_send_never_becomes_a_page_of_ours(stage: Stage, anna: int, mime: str) -> None:
    form = {"user": str(anna), "chat": str(anna)}
    sent = await stage.http.post(
        "/sim/document", data=form, files={"document": ("x", b"<script>alert(1)</script>", mime)}
    )
    assert sent.status_code == 200
    document = (await stage.sees(anna))[-1]["document"]
    got = await stage.http.get(f"/sim/files/{document['file_id']}")
    assert got.status_code == 200
    assert got.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"


async def test_a_photo_is_shown_as_the_jpeg_that_it_is(stage: Stage, anna: int) -> None:
    bot = await stage.bot()
    sent = await bot.send_photo(anna, picture())
    got = await stage.http.get(f"/sim/files/{sent.photo[-1].file_id}")
    assert (got.headers["content-type"], got.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
    downloaded = await (await bot.get_file(sent.photo[-1].file_id)).download_as_bytearray()
    assert bytes(downloaded) == got.content
    assert json.dumps(list(got.headers.items())).find("access-control") == -1


async def test_a_call_that_is_cut_off_is_noted_and_nothing_else(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    _, _, port = stage.address.rpartition(":")
    _, writer = await asyncio.open_connection("127.0.0.1", int(port))
    head = f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: 100\r\n"
    writer.write(f"{head}content-type: application/x-www-form-urlencoded\r\n\r\nchat_id=1".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await until(lambda: stage.world.calls)
    assert stage.world.calls[-1]["error"] == "cut off"
    assert caplog.messages == []
