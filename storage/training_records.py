"""A training's own rows: losses, the state to go on from, checkpoints, measures. Written under the fencing token."""

from __future__ import annotations

from collections.abc import Sequence

from storage.leases import Leases
from storage.queries import queries
from storage.records import Checkpoint, ContentHash, LossPoint, Progress

SQL = queries("jobs")


class TrainingRecords(Leases):
    """What a training leaves while it runs."""

    async def record_training(
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
            await self.require_lease(job_id, token)
            before = await self.training_state(job_id)
            rows = [{"job": job_id, **vars(point)} for point in losses]
            await self._database.change_many(SQL["record_loss"], rows)
            if state is not None:
                values = {"job": job_id, "step": state[0], "file": state[1]}
                await self._database.change(SQL["record_state"], values)
            if checkpoint is not None:
                values = {
                    "job": job_id,
                    "step": checkpoint.step,
                    "epoch": checkpoint.epoch,
                    "adapter": checkpoint.adapter,
                }
                await self._database.change(SQL["record_checkpoint"], values)
            got_on = state is not None and (before is None or state[0] > before[0])
            await self.say_news(job_id, token, progress, got_on=got_on)

    async def measure(
        self, job_id: int, token: int, step: int, style_gained: float, prompt_kept: float, copying: float
    ) -> None:
        """Keeps what was measured on a checkpoint. Raises LeaseLost."""
        values = {"style_gained": style_gained, "prompt_kept": prompt_kept, "copying": copying}
        async with self._database.write():
            await self.require_lease(job_id, token)
            await self._database.change(SQL["measure"], {"job": job_id, "step": step, **values})

    async def training_state(self, job_id: int) -> tuple[int, ContentHash] | None:
        """The (step, file) that a training goes on from."""
        row = await self._database.one(SQL["state"], {"job": job_id})
        return (row["step"], ContentHash(row["file"])) if row else None

    async def losses(self, job_id: int) -> tuple[LossPoint, ...]:
        """The losses in order."""
        return tuple(LossPoint(**row) for row in await self._database.all(SQL["losses"], {"job": job_id}))

    async def checkpoints(self, job_id: int) -> tuple[Checkpoint, ...]:
        """The checkpoints in order."""
        return tuple(Checkpoint(**row) for row in await self._database.all(SQL["checkpoints"], {"job": job_id}))
