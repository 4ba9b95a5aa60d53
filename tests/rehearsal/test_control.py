"""The control API, its doors, its event stream, and what survives a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clock import Clock
from tests.rehearsal.stage import TOKEN, Stage, news, picture, playing
from tests.waiting import until

PAGE = {path.name: path.read_bytes() for path in Path("rehearsal/page").iterdir()}


def everything_in(folder: Path) -> bytes:
    """All bytes of all files below."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_two_people_never_see_each_others_chat(stage: Stage, anna: int) -> None:
    boris = await stage.person("Boris", "ru")
    await stage.says(anna, "mine")
    assert [one["text"] for one in await stage.sees(boris)] == ["/start"]
    peek = await stage.http.get(f"/sim/chats/{anna}/messages", params={"user": boris})
    assert peek.status_code == 404
    said = await stage.http.post("/sim/send", json={"user": boris, "chat": anna, "text": "x"})
    assert said.status_code == 404


async def test_a_message_is_shown_with_all_that_a_script_needs(stage: Stage, anna: int) -> None:
    bot = await stage.bot()
    await bot.send_document(anna, b"abc", filename="lora.safetensors", caption="<b>yours</b>", parse_mode="HTML")
    shown = (await stage.sees(anna))[-1]
    assert (shown["from_bot"], shown["caption"], shown["html"]) == (True, "yours", "<b>yours</b>")
    assert (shown["document"]["file_name"], shown["document"]["size"]) == ("lora.safetensors", 3)
    assert (await stage.http.get(f"/sim/files/{shown['document']['file_id']}")).content == b"abc"


async def test_a_person_sends_documents_and_photos(stage: Stage, anna: int) -> None:
    bot = await stage.bot()
    form = {"user": str(anna), "chat": str(anna), "caption": "see"}
    for extra in ({}, {"as": "photo"}):
        answer = await stage.http.post(
            "/sim/document", data={**form, **extra}, files={"document": ("a.png", picture())}
        )
        answer.raise_for_status()
    document, photo = [update.message for update in (await news(bot))[-2:]]
    assert document
    assert document.document
    assert document.document.mime_type == "image/png"
    assert photo
    assert photo.photo
    assert photo.caption == "see"
    rubbish = await stage.http.post("/sim/document", data={**form, "as": "photo"}, files={"document": ("a", b"xx")})
    assert (rubbish.status_code, rubbish.json()["error"]) == (422, "Bad Request: IMAGE_PROCESS_FAILED")


async def test_a_long_text_arrives_in_parts(stage: Stage, anna: int) -> None:
    await stage.says(anna, "ю" * 10_000)
    assert [len(one["text"]) for one in (await stage.sees(anna))[-3:]] == [4096, 4096, 1808]


@pytest.mark.parametrize("body", [{}, {"user": "x"}, [], {"user": 7001, "chat": 7001, "text": "  "}])
async def test_a_senseless_request_is_explained(stage: Stage, body: Any) -> None:
    assert (await stage.http.post("/sim/send", json=body)).status_code == 422


async def test_events_tell_what_happens(stage: Stage, anna: int) -> None:
    bot = await stage.bot()
    async with stage.http.stream("GET", "/sim/events", timeout=10) as stream:
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        sent = await bot.send_message(anna, "one")
        await bot.edit_message_text("two", anna, sent.message_id)
        await bot.send_chat_action(anna, "typing")
        await bot.pin_chat_message(anna, sent.message_id)
        await bot.delete_message(anna, sent.message_id)
        kinds = []
        while kinds[-1:] != ["delete"]:
            line = await anext(lines)
            kinds += [line.removeprefix("event: ")] if line.startswith("event: ") else []
    assert kinds == ["message", "edit", "typing", "message", "pin", "delete"]


async def test_a_restart_keeps_everything_and_no_number_comes_twice(tmp_path: Path) -> None:
    clock = Clock()
    async with playing(tmp_path, clock) as before:
        bot, anna = await before.bot(), await before.person()
        sent = await bot.send_photo(anna, picture(), caption="kept")
        tap = await before.taps(anna, sent, "x")
        updates = await news(bot)
    async with playing(tmp_path, clock) as after:
        bot = await after.bot()
        assert [one["caption"] for one in await after.sees(anna)] == [None, "kept"]
        assert [one.update_id for one in await news(bot)] == [one.update_id for one in updates]
        assert await bot.answer_callback_query(tap)
        assert (await bot.get_file(sent.photo[-1])).file_size == sent.photo[-1].file_size
        again = await bot.send_message(anna, "more")
        assert again.message_id > sent.message_id
        await after.says(anna, "new")
        assert (await news(bot))[-1].update_id > updates[-1].update_id
    assert TOKEN.split(":")[1].encode() not in everything_in(tmp_path)


async def test_a_reset_forgets_all_but_the_numbers(stage: Stage, anna: int) -> None:
    number = await stage.says(anna, "x")
    await stage.post("/sim/reset", {})
    zoe = await stage.person("Zoe")
    assert zoe > anna
    assert (await stage.sees(zoe))[0]["message_id"] > number
    assert (await stage.get("/sim/state"))["people"][0]["name"] == "Anna"


async def test_without_control_only_the_page_comes_in(tmp_path: Path) -> None:
    async with playing(tmp_path, control=False) as stage:
        assert (await stage.http.get("/sim/state")).status_code == 403
        page = await stage.http.get("/")
        assert "HttpOnly" in page.headers["set-cookie"]
        assert "SameSite=Strict" in page.headers["set-cookie"]
        assert (await stage.http.get("/sim/state")).status_code == 200
        for closed in ("/sim/reset", "/sim/faults", "/sim/block"):
            assert (await stage.http.post(closed, json={})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": "127.0.0.1.evil.example:80"}, {"origin": "https://evil.example"}],
)
async def test_foreign_names_and_sites_stay_outside(stage: Stage, headers: dict[str, str]) -> None:
    for path in ("/", "/sim/state", f"/bot{TOKEN}/getMe"):
        answer = await stage.http.get(path, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


async def test_the_page_and_all_its_parts_are_served_and_load_nothing_from_elsewhere(stage: Stage) -> None:
    page = await stage.http.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name, content in PAGE.items():
        answer = await stage.http.get(f"/page/{name}")
        assert answer.content == content
        assert "https://" not in answer.text.replace("https://t.me/", ""), f"{name} names another machine"


def test_the_page_speaks_every_language_completely() -> None:
    words = json.loads(PAGE["words.json"])
    assert set(words) == {"en", "ru", "ko"}
    assert set(words["en"]) == set(words["ru"]) == set(words["ko"])
    used = b"".join(content for name, content in PAGE.items() if name != "words.json").decode()
    assert not [word for word in words["en"] if f'"{word}"' not in used]


async def test_json_calls_are_understood_and_nothing_is_done_by_get(stage: Stage, anna: int) -> None:
    body = {"chat_id": anna, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}}
    sent = await stage.http.post(f"/bot{TOKEN}/sendmessage", json=body)
    assert sent.json()["result"]["reply_markup"] == body["reply_markup"]
    before = await stage.sees(anna)
    for method in ("GET", "HEAD", "PUT"):
        got = await stage.http.request(method, f"/bot{TOKEN}/sendMessage", params={"chat_id": anna, "text": "y"})
        assert got.status_code == 405
    assert await stage.sees(anna) == before
    wrong = await stage.http.post(f"/bot{TOKEN}/sendMessage", json={**body, "text": 7})
    assert wrong.json()["description"] == 'Bad Request: parameter "text" must be of type String'
    typo = {"inline_keyboard": [[{"text": "a", "calback_data": "b"}]]}
    mistyped = await stage.http.post(f"/bot{TOKEN}/sendMessage", json={**body, "reply_markup": typo})
    assert 'unknown field "calback_data"' in mistyped.json()["description"]


async def test_a_stopped_server_lets_go_of_polls(stage: Stage) -> None:
    poll = asyncio.create_task(stage.http.post(f"/bot{TOKEN}/getUpdates", data={"timeout": "40"}, timeout=30))
    await until(lambda: stage.world.updates._poller)
    stage.world.updates.close()
    assert (await poll).json() == {"ok": True, "result": []}


async def test_confirmed_updates_are_delivered_once_more_on_order(stage: Stage, anna: int) -> None:
    bot = await stage.bot()
    await stage.says(anna, "one")
    first = [update.update_id for update in await bot.get_updates(timeout=0)]
    assert await bot.get_updates(offset=first[-1] + 1, timeout=0) == ()
    assert await stage.post("/sim/repeat", {"count": 1}) == {"repeated": 1}
    again = [update.update_id for update in await bot.get_updates(offset=first[-1] + 1, timeout=0)]
    assert again == first[-1:]
    assert await bot.get_updates(offset=first[-1] + 1, timeout=0) == ()
