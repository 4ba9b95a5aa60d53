"""A training's own rows: losses, the state to go on from, checkpoints, measures. Written under the fencing token."""

from __future__ import annotations

from collections.abc import Sequence

from storage.leases import Leases
from storage.queries import queries
from storage.records import Checkpoint, ContentHash, LossPoint, Progress

SQL = queries("jobs")
STATES_KEPT = 2  # the newest, and the one before, should a bit of the newest flip


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
            before = await self.training_states(job_id)
            rows = [{"job": job_id, **vars(point)} for point in losses]
            await self._database.change_many(SQL["record_loss"], rows)
            if state is not None:
                values = {"job": job_id, "step": state[0], "file": state[1]}
                await self._database.change(SQL["record_state"], values)
                await self.keep_states(job_id, STATES_KEPT)
            if checkpoint is not None:
                values = {
                    "job": job_id,
                    "step": checkpoint.step,
                    "epoch": checkpoint.epoch,
                    "adapter": checkpoint.adapter,
                }
                await self._checkpoint(values)
            got_on = state is not None and (not before or state[0] > before[0][0])
            await self.say_news(job_id, token, progress, got_on=got_on)

    async def measure(
        self, job_id: int, token: int, step: int, style_gained: float, prompt_kept: float, copying: float
    ) -> None:
        """Keeps what was measured on a checkpoint. Raises LeaseLost."""
        values = {"style_gained": style_gained, "prompt_kept": prompt_kept, "copying": copying}
        async with self._database.write():
            await self.require_lease(job_id, token)
            await self._database.change(SQL["measure"], {"job": job_id, "step": step, **values})

    async def _checkpoint(self, values: dict[str, object]) -> None:
        """Made again after a kill it may have other last bits, as on a GPU; what it replaces leaves the disk."""
        was = await self._database.one(SQL["checkpoint_at"], values)
        await self._database.change(SQL["record_checkpoint"], values)
        if was is not None and was["adapter"] != values["adapter"]:
            await self._files.drop_replaced([was["adapter"]])

    async def drop_state(self, job_id: int, token: int, step: int) -> None:
        """Forgets a state that cannot be read; the training goes on from the one before. Raises LeaseLost."""
        async with self._database.write():
            await self.require_lease(job_id, token)
            file = dict(await self.training_states(job_id)).get(step)
            await self._database.change(SQL["forget_state"], {"job": job_id, "step": step})
            if file is not None:
                await self._files.drop_replaced([file])
            await self.say_news(job_id, token)

    async def losses(self, job_id: int) -> tuple[LossPoint, ...]:
        """The losses in order."""
        return tuple(LossPoint(**row) for row in await self._database.all(SQL["losses"], {"job": job_id}))

    async def checkpoints(self, job_id: int) -> tuple[Checkpoint, ...]:
        """The checkpoints in order."""
        return tuple(Checkpoint(**row) for row in await self._database.all(SQL["checkpoints"], {"job": job_id}))
