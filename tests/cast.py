"""The people of the stories: verbs only. Anna taps what she sees; the painter answers jobs as the worker does."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from bot.buttons import BUTTONS
from bot.screens import Album, Button, Document, Message, Notice, Reply, Retire, Screen
from bot.steps import journey
from bot.steps.job_updates import on_job_update
from bot.steps.walk import Walk
from bot.taps import Tap
from bot.words import Words
from launch.person import is_of
from storage.errors import StylesealError
from storage.families import Family
from storage.records import (
    Checkpoint,
    ContentHash,
    Job,
    LossPoint,
    MachineFacts,
    ModelFacts,
    Person,
    Progress,
    Quest,
)
from storage.requests import (
    DrawnAnswer,
    ExportAnswer,
    ExportRequest,
    Row,
    TrainingAnswer,
    TrainingRequest,
    new_picture,
    read_request,
)
from storage.states import Diagnosis, Phase
from storage.store import Store
from tests.clock import Clock
from tests.limits import hold_reply

LEASE_SECONDS = 60.0


def facts(tokenizer: str = "0" * 64) -> MachineFacts:
    """What the embedded model's engine says of itself."""
    model = ModelFacts(
        name="emoji",
        family=Family.EMOJI,
        size_px=128,
        prediction="v_prediction",
        tokenizer=ContentHash(tokenizer),
        max_tokens=24,
        sha256="abcdef0123456789",
    )
    return MachineFacts(
        engine="painter",
        device="cpu",
        memory_mode="cpu",
        dtype="float32",
        model=model,
        seconds_per_picture=0.4,
        seconds_per_training_step=0.2,
    )


def png_of(text: str, size_px: int = 16) -> bytes:
    """A small picture that differs for every text."""
    digest = hashlib.sha256(text.encode()).digest()
    whole = io.BytesIO()
    Image.new("RGB", (size_px, size_px), tuple(digest[:3])).save(whole, "PNG")
    return whole.getvalue()


@dataclass
class Painter:
    """Stands at the GPU's edge: claims a job, adds its pictures, finishes it – with the worker's own calls."""

    store: Store
    engine: str = "painter"

    async def arrives(self) -> None:
        """The engine says what it is and that it lives."""
        tokenizer = await self.store.files.put(b"{}", ".json")
        await self.store.machine.announce(facts(tokenizer))
        await self.store.machine.beat()

    async def claims(self) -> Job | None:
        """The next job, as the queue gives it."""
        await self.store.machine.beat()
        return await self.store.leases.claim(self.engine, LEASE_SECONDS)

    async def works(self) -> list[Job]:
        """Everything that waits, to its end."""
        done = []
        while (job := await self.claims()) is not None:
            await self.does(job)
            done.append(job)
        return done

    async def does(self, job: Job, *, only: int | None = None, lost: frozenset[int] = frozenset()) -> None:
        """One job to its end, or (with `only`) as many of its pictures, ended early as the person wished.

        Rows at the positions in `lost` come out as no numbers.
        """
        request = read_request(job.request)
        if isinstance(request, ExportRequest):
            data = f"{request.what} of {request.trigger}".encode()
            file = await self.store.files.put(data, ".bin")
            answer = ExportAnswer(file=file, filename=f"{request.name}-{request.what}.bin", size_bytes=len(data))
            await self.store.leases.finish(job.id, job.lease_token, answer)
        elif isinstance(request, TrainingRequest):
            await self._trains(job, request)
        else:
            rows = request.rows[:only]
            for position, row in enumerate(rows):
                if position in lost:
                    continue
                await self._paints(job, position, row)
                progress = Progress(done=position + 1, total=len(request.rows), phase=Phase.DRAWING)
                await self.store.leases.beat(job.id, job.lease_token, LEASE_SECONDS, progress)
            await self.store.leases.finish(
                job.id, job.lease_token, DrawnAnswer(drawn=len(rows) - len(lost), seconds=1.0, lost=len(lost))
            )

    async def _paints(self, job: Job, position: int, row: Row, step: int | None = None) -> None:
        weight = row.seals[0].weight if row.seals else None
        data = png_of(f"{row.prompt} {row.negative} {row.seed} {weight} {step} {row.drawing}")
        file = await self.store.files.put(data, ".png")
        chance = random.Random(f"{row.prompt}{row.seed}")
        features = tuple(chance.gauss(0, 0.05) for _ in range(8))
        phash = f"{chance.getrandbits(64):016x}"
        picture = replace(new_picture(job, position, row, file), step=step, features=features, phash=phash)
        await self.store.pictures.add(picture, job.lease_token)

    async def _trains(self, job: Job, request: TrainingRequest) -> None:
        recipe, samples = request.recipe, request.samples
        for position, row in enumerate(samples):
            await self._paints(job, position, row, step=0)
        steps = [recipe.steps * index // recipe.checkpoints for index in range(1, recipe.checkpoints + 1)]
        for index, step in enumerate(steps, 1):
            await self.saves(job, step, epoch=max(1, recipe.epochs * index // recipe.checkpoints))
            for position, row in enumerate(samples):
                await self._paints(job, index * len(samples) + position, row, step=step)
            await self.store.trainings.measure(job.id, job.lease_token, step, 0.5 + index / 10, 0.95 - index / 50, 0.3)
        answer = TrainingAnswer(steps=recipe.steps, seconds=60.0, recommended=steps[-2], reading=Diagnosis.GOOD)
        await self.store.leases.finish(job.id, job.lease_token, answer)

    async def saves(self, job: Job, step: int, epoch: int) -> None:
        """A checkpoint with the state to go on from."""
        adapter = await self.store.files.put(f"adapter {job.id} {step}".encode(), ".safetensors")
        await self.store.trainings.record(
            job.id,
            job.lease_token,
            losses=[LossPoint(step=step, loss=1.0 / step, validation_loss=1.1 / step)],
            state=(step, adapter),
            checkpoint=Checkpoint(job=job.id, step=step, epoch=epoch, adapter=adapter),
            progress=Progress(done=step, total=step, epoch=epoch, epochs=epoch, phase=Phase.TRAINING),
        )

    async def fails(self, error: StylesealError) -> Job:
        """The next job ends with an error."""
        job = await self.claims()
        assert job is not None
        await self.store.leases.fail(job.id, job.lease_token, error)
        return job

    async def obeys(self) -> Job:
        """Claims the next job and draws half of it; stops as wished."""
        job = await self.claims()
        assert job is not None
        request = read_request(job.request)
        await self.does(job, only=len(getattr(request, "rows", ())) // 2)
        return job


@dataclass
class Traveller:
    """Somebody with a phone. Sees the newest keyboard of each slot; `taps` finds a button by its verb."""

    store: Store
    clock: Clock
    painter: Painter
    id: int = 7001
    language: str = "en"
    seen: list[Message] = field(default_factory=list)
    toasts: list[str] = field(default_factory=list)
    admins: frozenset[int] = frozenset()
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    async def walk(self) -> Walk:
        """What the bot knows when it answers; no two taps come in one millisecond."""
        self.clock.advances(milliseconds=1)
        person: Person = await self.store.people.meet(self.id, self.id, self.language)
        return Walk(
            store=self.store,
            person=person,
            quest=await self.store.quests.current(self.id),
            words=Words(person.language),
            clock=self.clock,
            chance=self.chance,
            machine=await self.store.machine.facts(),
            admins=self.admins,
        )

    async def quest(self) -> Quest:
        """The current quest."""
        found = await self.store.quests.current(self.id)
        assert found is not None
        return found

    def _takes(self, reply: Reply) -> Reply:
        hold_reply(reply)
        self.toasts.append(reply.toast)
        self.seen.extend(reply.messages)
        return reply

    async def says(self, text: str) -> Reply:
        """Writes a command or a text."""
        async with self.store.write():
            walk = await self.walk()
            if text.startswith("/"):
                return self._takes(await journey.on_command(walk, text[1:]))
            return self._takes(await journey.on_text(walk, text))

    async def presses(self, button: Button) -> Reply:
        """Taps exactly this button."""
        tap = Tap.read(button.data)
        async with self.store.write():
            return self._takes(await journey.on_tap(await self.walk(), tap, BUTTONS[tap.verb]))

    async def taps(self, verb: str, *args: str) -> Reply:
        """Taps the newest button of this verb (and first arguments)."""
        return await self.presses(self.finds(verb, *args))

    def finds(self, verb: str, *args: str) -> Button:
        """The newest button of this verb."""
        found = next((button for button in self.buttons() if is_of(button.data, verb, *args)), None)
        assert found is not None, f"no button {verb} {args}; newest: {self.newest()}"
        return found

    def offers(self, verb: str, *args: str) -> bool:
        """Whether there is such a button."""
        return any(is_of(button.data, verb, *args) for button in self.buttons())

    def buttons(self) -> Sequence[Button]:
        """All buttons still in the chat, those of the newest message first; a slot keeps only its newest keyboard."""
        found: list[Button] = []
        gone: set[str] = set()
        for message in reversed(self.seen):
            if isinstance(message, Retire):
                gone.add(message.slot)
            if isinstance(message, Screen) and message.slot not in gone:
                gone.add(message.slot)
                found += [button for row in message.rows for button in row if isinstance(button, Button)]
        return found

    def newest(self) -> str:
        """The newest text, for a failing test to print."""
        texts = [m.text for m in self.seen if isinstance(m, (Screen, Notice))]
        return texts[-1] if texts else ""

    def screens(self) -> list[Screen]:
        """All screens, oldest first."""
        return [message for message in self.seen if isinstance(message, Screen)]

    def albums(self) -> list[Album]:
        """All albums, oldest first."""
        return [message for message in self.seen if isinstance(message, Album)]

    def documents(self) -> list[Document]:
        """All documents, oldest first."""
        return [message for message in self.seen if isinstance(message, Document)]

    async def hears(self) -> None:
        """The bot tells what the engine did, once."""
        for job in await self.store.queue.pending_notices():
            async with self.store.write():
                if job.user == self.id:
                    news = await on_job_update(await self.walk(), job)
                    hold_reply(Reply(messages=news))
                    self.seen.extend(news)
                    await self.store.queue.notified(job.id, job.version)

    async def waits(self) -> None:
        """The engine works everything off, and the bot tells."""
        await self.hears()
        await self.painter.works()
        await self.hears()

    # The acts of a quest, each by verbs alone.

    async def chooses_a_style(self, look: str = "neon-sign") -> None:
        """From /start to the trigger."""
        await self.says("/start")
        await self.taps("quest.new")
        await self.taps("style.kind", "style")
        await self.taps("style.preset", look)
        await self.taps("style.ok")
        await self.taps("trigger.use")
        await self.taps("trigger.ok")

    async def hunts(self, subject: str = "") -> None:
        """An album of four."""
        if subject:
            await self.says(subject)
        await self.taps("hunt.start")
        await self.waits()

    async def picks(self, number: int) -> None:
        """This one."""
        await self.taps("hunt.pick", str(number))

    async def fills_the_payload(self) -> None:
        """Each its own seed."""
        await self.taps("payload.way", "a")
        await self.taps("payload.start")
        await self.waits()

    async def curates(self, keep: int) -> None:
        """Keeps the first so many, and says that it is done."""
        for _ in range(keep):
            await self.taps("curate.keep")
        await self.taps("curate.done")

    async def trains(self) -> None:
        """The fast preset, to its end."""
        await self.taps("captions.ok")
        await self.taps("train.preset", "fast")
        await self.taps("train.start")
        await self.waits()

    async def seals(self) -> None:
        """The advised checkpoint, and the pair that comes by itself."""
        await self.taps("seal.pick")
        await self.waits()
