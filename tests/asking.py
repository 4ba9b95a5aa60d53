"""People who ask and engines that answer, in the fewest words; used by the tests of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from storage.recipe import Recipe
from storage.records import ContentHash, Drawing, Job, NewPicture, Picture, Quest, Seed
from storage.requests import DrawnAnswer, HuntRequest, PayloadRequest, Request, Row, TrainingPicture, TrainingRequest
from storage.states import JobKind, PictureRole
from storage.store import Store
from tests.clock import Clock

ANNA, BORIS, CHUN = 1_000_000_007, 1_000_000_011, 1_000_000_013
LEASE_SECONDS = 60.0


def row(seed: int = 1, subject: str = "a knight") -> Row:
    return Row(prompt=f"{subject}, ink", negative="blurry", seed=Seed(seed), subject=subject, drawing=Drawing())


def hunt(probes: int = 4) -> HuntRequest:
    return HuntRequest(rows=tuple(row(seed) for seed in range(probes)))


def payload(pictures: int = 5) -> PayloadRequest:
    return PayloadRequest(rows=tuple(row(seed) for seed in range(pictures)))


def training(*files: ContentHash) -> TrainingRequest:
    pictures = tuple(TrainingPicture(file=file, caption="a fox, ohwx", subject="fox") for file in files)
    return TrainingRequest(pictures=pictures, recipe=Recipe(), trigger="ohwx", name="ink", samples=(row(),))


def drawn(job: Job, position: int, file: ContentHash, role: PictureRole = PictureRole.CANDIDATE) -> NewPicture:
    assert job.quest is not None
    return NewPicture(
        job=job.id,
        position=position,
        quest=job.quest,
        role=role,
        prompt="a knight, ink",
        negative="blurry",
        subject="a knight",
        seed=Seed(position),
        drawing=Drawing(),
        file=file,
        features=(0.25, -1.5),
        phash="00ff00ff00ff00ff",
    )


@dataclass
class Desk:
    """Where people ask and engines answer."""

    store: Store
    clock: Clock
    numbers: count[int] = field(default_factory=lambda: count(1))

    async def quest_of(self, user: int) -> Quest:
        await self.store.people.meet(user, user, "en")
        return await self.store.quests.current(user) or await self.store.quests.begin(user, user)

    async def asks(self, user: int, request: Request | None = None, most_live: int | None = None) -> Job:
        request = request or hunt()
        quest = await self.quest_of(user)
        key = f"{request.KIND.value}:{next(self.numbers)}"
        return await self.store.queue.enqueue(request, key=key, quest=quest.id, user=user, most_live=most_live)

    async def claims(self, engine: str = "engine") -> Job:
        job = await self.store.leases.claim(engine, LEASE_SECONDS)
        assert job is not None, "nothing waits"
        return job

    async def draws(self, job: Job, position: int) -> Picture:
        file = await self.store.files.put(f"picture {job.id} {position}".encode(), ".png")
        return await self.store.pictures.add(drawn(job, position, file), job.lease_token)

    async def finishes(self, job: Job) -> None:
        await self.store.leases.finish(job.id, job.lease_token, DrawnAnswer(drawn=1, seconds=2.0))

    async def sees(self, job: Job) -> Job:
        found = await self.store.queue.find(job.id)
        assert found is not None
        return found

    async def payload_of(self, user: int, pictures: int) -> tuple[Job, tuple[Picture, ...]]:
        """A finished payload with its pictures, gathered into candidates."""
        job = await self.asks(user, payload(pictures))
        claimed = await self.claims()
        assert claimed.id == job.id
        found = [await self.draws(claimed, position) for position in range(pictures)]
        await self.finishes(claimed)
        assert job.quest is not None
        await self.store.candidates.gather(job.quest)
        latest = await self.store.queue.latest(job.quest, JobKind.PAYLOAD)
        assert latest is not None
        return latest, tuple(found)
