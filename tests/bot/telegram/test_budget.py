"""A chat's budget in Telegram's measures; the moment is handed in."""

from __future__ import annotations

from bot.screens import Album, Notice, Shown
from bot.telegram.budget import GROUP_BURST, PRIVATE_BURST, Budget
from bot.telegram.pacing import weight
from storage.records import ContentHash


def test_a_burst_is_free_and_then_a_message_a_second() -> None:
    bucket = Budget().of(1, now=0.0)
    for _ in range(int(PRIVATE_BURST)):
        assert bucket.wait(1.0, now=0.0) == 0.0
        bucket.spend(1.0)
    assert bucket.wait(1.0, now=0.0) == 1.0
    assert bucket.wait(1.0, now=1.0) == 0.0


def test_a_group_is_written_to_twenty_times_a_minute() -> None:
    bucket = Budget().of(-100, now=0.0)
    sent, now = 0, 0.0
    while now <= 60.0:
        pause = bucket.wait(1.0, now)
        if pause == 0.0:
            bucket.spend(1.0)
            sent += 1
        now += max(pause, 0.001)
    assert sent <= 20 + GROUP_BURST


def test_an_album_costs_each_of_its_pictures() -> None:
    pictures = tuple(Shown(file=ContentHash(str(n))) for n in range(4))
    assert weight(Album(pictures=pictures)) == 4.0
    assert weight(Notice(text="a")) == 1.0


def test_an_album_heavier_than_the_burst_is_sent_from_a_full_bucket() -> None:
    bucket = Budget().of(1, now=0.0)
    assert bucket.wait(10.0, now=0.0) == 0.0
    bucket.spend(10.0)
    assert bucket.wait(1.0, now=0.0) == 5.0


def test_one_chat_does_not_pay_for_another() -> None:
    budget = Budget()
    budget.of(1, now=0.0).spend(PRIVATE_BURST)
    assert budget.of(2, now=0.0).wait(1.0, now=0.0) == 0.0
