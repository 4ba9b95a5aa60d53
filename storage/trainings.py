"""What a training leaves while it runs: losses, states to go on from, checkpoints. Written under the fencing token."""

from __future__ import annotations

from collections.abc import Sequence

from storage.database import Database
from storage.fence import Fence
from storage.files import Files
from storage.queries import queries
from storage.records import Checkpoint, ContentHash, LossPoint, Progress

SQL = queries("trainings")
STATES_KEPT = 2  # the newest, and the one before, should a bit of the newest flip


class Trainings:
    """The records of the store's trainings, each known by its job."""

    def __init__(self, database: Database, files: Files, fence: Fence) -> None:
        self._database = database
        self._files = files
        self._fence = fence

    async def record(
        self,
        job_id: int,
        token: int,
        *,
        losses: Sequence[LossPoint],
        state: tuple[int, ContentHash] | None,
        checkpoint: Checkpoint | None,
        progress: Progress,
    ) -> None:
        """Keeps losses with the state they lead to, in one transaction: no hole, no double. Raises LeaseLost."""
        async with self._database.write():
            await self._fence.require(job_id, token)
            before = await self.states(job_id)
            rows = [{"job": job_id, **vars(point)} for point in losses]
            await self._database.change_many(SQL["add_loss"], rows)
            if state is not None:
                values = {"job": job_id, "step": state[0], "file": state[1]}
                await self._database.change(SQL["add_state"], values)
                await self.keep_states(job_id, STATES_KEPT)
            if checkpoint is not None:
                values = {
                    "job": job_id,
                    "step": checkpoint.step,
                    "epoch": checkpoint.epoch,
                    "adapter": checkpoint.adapter,
                }
                await self._checkpoint(values)
            progressed = state is not None and (not before or state[0] > before[0][0])
            await self._fence.note(job_id, token, progress, progressed=progressed)

    async def measure(
        self, job_id: int, token: int, step: int, style_gained: float, prompt_kept: float, copying: float
    ) -> None:
        """Keeps what was measured on a checkpoint. Raises LeaseLost."""
        values = {"style_gained": style_gained, "prompt_kept": prompt_kept, "copying": copying}
        async with self._database.write():
            await self._fence.require(job_id, token)
            await self._database.change(SQL["measure"], {"job": job_id, "step": step, **values})

    async def _checkpoint(self, values: dict[str, object]) -> None:
        """Made again after a kill it may have other last bits, as on a GPU; what it replaces leaves the disk."""
        was = await self._database.one(SQL["checkpoint_at"], values)
        await self._database.change(SQL["add_checkpoint"], values)
        if was is not None and was["adapter"] != values["adapter"]:
            await self._files.drop_replaced([was["adapter"]])

    async def drop_state(self, job_id: int, token: int, step: int) -> None:
        """Forgets a state that cannot be read; the training goes on from the one before. Raises LeaseLost."""
        async with self._database.write():
            await self._fence.require(job_id, token)
            file = dict(await self.states(job_id)).get(step)
            await self._database.change(SQL["forget_state"], {"job": job_id, "step": step})
            if file is not None:
                await self._files.drop_replaced([file])
            await self._fence.note(job_id, token)

    async def states(self, job_id: int) -> tuple[tuple[int, ContentHash], ...]:
        """The (step, file) pairs that a training can go on from, the newest first."""
        rows = await self._database.all(SQL["states"], {"job": job_id})
        return tuple((row["step"], ContentHash(row["file"])) for row in rows)

    async def keep_states(self, job_id: int, count: int) -> None:
        """Keeps so many of the newest states; the files of the others leave the disk at the commit."""
        async with self._database.write():
            gone = (await self.states(job_id))[count:]
            await self._database.change_many(SQL["forget_state"], [{"job": job_id, "step": step} for step, _ in gone])
            if gone:
                await self._files.drop_replaced([file for _, file in gone])

    async def losses(self, job_id: int) -> tuple[LossPoint, ...]:
        """The losses in order."""
        return tuple(LossPoint(**row) for row in await self._database.all(SQL["losses"], {"job": job_id}))

    async def checkpoints(self, job_id: int) -> tuple[Checkpoint, ...]:
        """The checkpoints in order."""
        return tuple(Checkpoint(**row) for row in await self._database.all(SQL["checkpoints"], {"job": job_id}))
