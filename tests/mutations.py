"""Plants twenty small faults, one at a time, in a copy of the tree, and sees the tests named beside each fail.

By hand, as it takes minutes: `make mutations`. A text to plant over is looked for in all sources and a test in all
tests, so that files may move; a text that is not there exactly once ends the run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NO_SOURCES = ("tests", "bench")
LONGEST_RUN_SECONDS = 900
PYTEST = ("-m", "pytest", "-n0", "-x", "-p", "no:randomly", "-p", "no:cacheprovider")
PASSED, FAILED = 0, 1  # pytest's exit codes; any other says that it could not test


@dataclass(frozen=True)
class Fault:
    """`text` stands once in the sources; with `planted` in its place one of the tests fails."""

    what: str
    text: str
    planted: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "twins may differ in nine bits",
        "TWIN_BITS = 5",
        "TWIN_BITS = 9",
        ("test_twins_differ_in_five_bits_of_the_hash_at_most",),
    ),
    Fault(
        "what lies a tenth beyond the median stands out",
        "OUTSTANDING = 1.6",
        "OUTSTANDING = 1.1",
        ("test_what_lies_well_beyond_the_median_stands_out_and_what_lies_near_it_does_not",),
    ),
    Fault(
        "all pairs of a new seal are drawn with one seed",
        "            Seed(SEED + index),\n",
        "            Seed(SEED),\n",
        ("test_the_first_thing_a_new_seal_shows_is_without_and_with_on_one_seed",),
    ),
    Fault(
        "the learning rate comes one step early",
        "set_rate(self.optimizer, recipe, self.step + 1)",
        "set_rate(self.optimizer, recipe, self.step + 2)",
        ("test_every_step_is_made_at_the_rate_of_its_own_number",),
    ),
    Fault(
        "a file is not synced before its row",
        "        os.fsync(handle.fileno())\n",
        "",
        ("test_bytes_and_their_name_are_on_the_disk_before_the_row_says_so",),
    ),
    Fault(
        "an old fencing token still holds its job",
        "SELECT 1 AS held FROM jobs WHERE id = :id AND lease_token = :token AND state = 'running';",
        "SELECT 1 AS held FROM jobs WHERE id = :id AND :token AND state = 'running';",
        ("test_an_engine_that_lost_its_lease_can_write_nothing",),
    ),
    Fault(
        "a beat does not lengthen the lease",
        "UPDATE jobs SET lease_until = :until, progress = :progress,",
        "UPDATE jobs SET progress = :progress,",
        ("test_a_beat_keeps_the_lease_and_brings_back_the_wish",),
    ),
    Fault(
        "an update delivered again is handled again",
        "VALUES (:update_id, :user, :body, :now) ON CONFLICT (update_id) DO NOTHING;",
        "VALUES (:update_id, :user, :body, :now) ON CONFLICT (update_id) DO UPDATE SET state = 'new';",
        ("test_an_update_delivered_twice_is_taken_once_also_when_it_is_done",),
    ),
    Fault(
        "a shorter wait replaces the one Telegram asked for",
        "SET wait_until = max(wait_until, excluded.wait_until);",
        "SET wait_until = excluded.wait_until;",
        ("test_a_wait_telegram_asked_for_outlives_a_restart_and_is_never_shortened",),
    ),
    Fault(
        "back from the numbers leads past the recipe",
        "NUMBERS: {Event.TRAINING_ASKED: SEALING, Event.BACK: RECIPE},",
        "NUMBERS: {Event.TRAINING_ASKED: SEALING, Event.BACK: LIST},",
        ("test_every_page_of_numbers_fits_a_phone_and_leads_back",),
    ),
    Fault(
        "a group is written to thirty times a minute",
        "GROUP_A_SECOND, GROUP_BURST = 20 / 60, 5.0",
        "GROUP_A_SECOND, GROUP_BURST = 30 / 60, 5.0",
        ("test_a_group_is_written_to_twenty_times_a_minute",),
    ),
    Fault(
        "a trigger is found in its own case alone",
        '(?:{choices})(?!{WORD_MARK})", regex.IGNORECASE)',
        '(?:{choices})(?!{WORD_MARK})")',
        ("test_a_trigger_is_found_in_any_case_and_between_any_signs",),
    ),
    Fault(
        "an undone verdict is not shown again",
        "await walk.stay(cursor=candidate.number - 1)",
        "await walk.stay(cursor=candidate.number)",
        ("test_an_undone_verdict_shows_its_candidate_again",),
    ),
    Fault(
        "the noise schedule does not know of zero terminal SNR",
        '    "prediction_type",\n    "rescale_betas_zero_snr",\n',
        '    "prediction_type",\n',
        ("test_zero_terminal_snr_gives_finite_weights",),
    ),
    Fault(
        "min-SNR weighs v as it does ε",
        "return clipped / (snr + 1)",
        "return clipped / snr",
        ("test_min_snr_weights_are_those_of_the_paper",),
    ),
    Fault(
        "the average begins as slowly as it goes on",
        "decay = min(self.decay, (1 + self.steps) / (10 + self.steps))",
        "decay = self.decay",
        ("test_between_steps_the_model_wears_the_average_and_the_learning_weights_go_on",),
    ),
    Fault(
        "a training taken up has forgotten how old its average is",
        'ema.steps = int(tensors["average.steps"])',
        "ema.steps = 0",
        ("test_a_training_killed_after_any_step_goes_on_to_the_same_bytes[EMA]",),
    ),
    Fault(
        "SDXL's first input block is not counted",
        'number = width * block + layer + (side == "down")',
        "number = width * block + layer",
        ("test_kohya_numbers_the_blocks_of_sdxl_as_stability_does",),
    ),
    Fault(
        "a dropped caption is still said by its pooled embedding",
        "torch.where(dropped[:, None], empty.pooled, texts.pooled[captions])",
        "texts.pooled[captions]",
        ("test_captions_encoded_together_say_what_the_cache_says",),
    ),
    Fault(
        "a mask is not mirrored with its picture",
        "ImageOps.mirror(image), ImageOps.mirror(mask)",
        "ImageOps.mirror(image), mask",
        ("test_a_mask_is_the_alpha_channel_at_the_latents_size_mirrored_with_its_picture",),
    ),
)


def sources(root: Path) -> list[Path]:
    """Every file of the product's code, SQL included."""
    folders = [path.parent for path in root.glob("*/__init__.py") if path.parent.name not in NO_SOURCES]
    return sorted({path for folder in folders for kind in ("*.py", "*.sql") for path in folder.rglob(kind)})


def file_with(text: str, root: Path = ROOT) -> Path:
    """The one source that holds this text. Raises LookupError where it stands never or more than once."""
    found = [path for path in sources(root) for _ in range(path.read_text().count(text))]
    if len(found) != 1:
        raise LookupError(f"{text!r} stands {len(found)} times in the sources: plant another fault in its place")
    return found[0]


def node_of(test: str, root: Path = ROOT) -> str:
    """`file::name` of a test, or of one `name[case]`. Raises LookupError where it is in no file or in several."""
    is_here = re.compile(rf"^(?:async )?def {test.partition('[')[0]}\(", re.MULTILINE)
    found = [path for path in sorted((root / "tests").rglob("test_*.py")) if is_here.search(path.read_text())]
    if len(found) != 1:
        raise LookupError(f"{test} is in {len(found)} files")
    return f"{found[0].relative_to(root)}::{test}"


def copy_to(folder: Path) -> None:
    """The tree as it stands here, new files too; without what git ignores."""
    asked = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def passes(nodes: list[str], tree: Path) -> bool:
    """Whether all these tests pass there. Ends the run with what pytest said where it could not test."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # a stale .pyc would hide a fault of the same length
    done = subprocess.run(
        (sys.executable, *PYTEST, *nodes),
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
    )
    if done.returncode not in (PASSED, FAILED):
        sys.exit(f"{' '.join(nodes)} cannot be run:\n{done.stdout}{done.stderr}")
    return done.returncode == PASSED


def is_caught(fault: Fault, tree: Path) -> bool:
    """Plants a fault, asks its tests, and takes it out again."""
    place = file_with(fault.text, tree)
    whole = place.read_text()
    place.write_text(whole.replace(fault.text, fault.planted))
    try:
        return not passes([node_of(test, tree) for test in fault.tests], tree)
    finally:
        place.write_text(whole)


def main() -> None:
    """Prints a line a fault and `n/20 caught`; exit code 1 unless all are."""
    for fault in FAULTS:
        file_with(fault.text)
    caught = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_to(tree)
        if not passes([node_of(test) for fault in FAULTS for test in fault.tests], tree):
            sys.exit("the tests fail before any fault is planted")
        for fault in FAULTS:
            was_caught = is_caught(fault, tree)
            caught += was_caught
            print(f"{'caught' if was_caught else 'MISSED':8}{fault.what}", flush=True)
    print(f"{caught}/{len(FAULTS)} caught")
    sys.exit(caught < len(FAULTS))


if __name__ == "__main__":
    main()
