"""The named states of everything that changes. No I/O, no words for people."""

from __future__ import annotations

from enum import StrEnum


class PaletteKind(StrEnum):
    """What a seal is to learn; it decides how many pictures the palette wants."""

    STYLE = "style"
    CHARACTER = "character"
    CONCEPT = "concept"


class Step(StrEnum):
    """The eight steps of a quest, in walking order."""

    STYLE = "style"
    HUNT = "hunt"
    PAYLOAD = "payload"
    CURATION = "curation"
    PREPARATION = "preparation"
    CAPTIONS = "captions"
    TRAINING = "training"
    TRYING = "trying"


class Stage(StrEnum):
    """Where inside a step a quest stands; it says which screen is shown and what a written text would answer."""

    # style
    KIND = "kind"  # style, character or concept
    LOOKS = "looks"  # pages of presets
    WORDS = "words"  # a text is read as the style's modifiers
    AVOID = "avoid"  # a text is read as the negative prompt
    CARD = "card"  # the style card
    TRIGGER = "trigger"  # a text is read as the trigger
    # hunt
    SUBJECT = "subject"  # a text is read as the hunt's subject
    DRAWING = "drawing"  # hunt or payload runs
    ALBUM = "album"  # probes wait for a pick
    # payload
    WAY = "way"
    SUBJECTS = "subjects"  # a text is read as subjects, one a line
    # curation
    CARDS = "cards"  # one candidate at a time
    SHEET = "sheet"  # 3x3 with toggles
    COUNT = "count"  # the kept count is outside the target; go on or make more
    # preparation
    CROPS = "crops"
    # captions
    LIST = "list"
    ONE = "one"  # a text is read as the caption of one picture
    # training
    RECIPE = "recipe"
    NUMBERS = "numbers"
    REASONS = "reasons"  # why these numbers
    SEALING = "sealing"  # training runs
    CHECKPOINTS = "checkpoints"
    # trying
    TRY = "try"  # any text is a prompt
    TAKE = "take"


FIRST_STAGE: dict[Step, Stage] = {
    Step.STYLE: Stage.KIND,
    Step.HUNT: Stage.SUBJECT,
    Step.PAYLOAD: Stage.WAY,
    Step.CURATION: Stage.CARDS,
    Step.PREPARATION: Stage.CROPS,
    Step.CAPTIONS: Stage.LIST,
    Step.TRAINING: Stage.RECIPE,
    Step.TRYING: Stage.TRY,
}


class Verdict(StrEnum):
    """What the person said of a candidate."""

    UNSEEN = "unseen"
    KEPT = "kept"
    REJECTED = "rejected"


class Lane(StrEnum):
    """Who goes first on the GPU: an earlier lane is always served before a later one."""

    INTERACTIVE = "interactive"
    PAYLOAD = "payload"
    TRAINING = "training"


LANE_ORDER: tuple[Lane, ...] = (Lane.INTERACTIVE, Lane.PAYLOAD, Lane.TRAINING)


class JobKind(StrEnum):
    """One kind per request type; `JOBS` in engine/jobs says what does it."""

    HUNT = "hunt"
    COMPARE = "compare"
    PAYLOAD = "payload"
    TRAINING = "training"
    TRYING = "trying"
    EXPORT = "taking"  # as databases say it


LANE_OF: dict[JobKind, Lane] = {
    JobKind.HUNT: Lane.INTERACTIVE,
    JobKind.COMPARE: Lane.INTERACTIVE,
    JobKind.TRYING: Lane.INTERACTIVE,
    JobKind.EXPORT: Lane.INTERACTIVE,
    JobKind.PAYLOAD: Lane.PAYLOAD,
    JobKind.TRAINING: Lane.TRAINING,
}


class JobState(StrEnum):
    """The life of a job."""

    QUEUED = "queued"  # waits for an engine
    RUNNING = "running"  # an engine holds its lease
    WAITING = "waiting"  # paused by an admin, or until there is space; nobody may claim it
    DONE = "done"
    FAILED = "failed"  # ended with an error said in words
    CANCELED = "canceled"
    QUARANTINED = "quarantined"  # three engines died on it


LIVE_STATES: frozenset[JobState] = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.WAITING})


class Wish(StrEnum):
    """What the person asks of a running job."""

    NONE = "none"
    SAMPLE = "sample"  # a training: draw samples now, then go on
    STOP = "stop"  # end early, keep what is done
    CANCEL = "cancel"  # end and throw away


class PictureRole(StrEnum):
    """Why a picture was drawn."""

    PROBE = "probe"  # hunt
    COMPARISON = "comparison"  # samplers, steps or CFG side by side
    CANDIDATE = "candidate"  # payload
    SAMPLE = "sample"  # drawn by a checkpoint during training
    TRIAL = "trial"  # drawn with a seal
    UPLOAD = "upload"  # the person's own picture (later)


class Sampler(StrEnum):
    """Samplers by the names AUTOMATIC1111 spells them."""

    EULER = "Euler"
    DDIM = "DDIM"
    DPMPP_2M_KARRAS = "DPM++ 2M Karras"
    UNIPC = "UniPC"
    EULER_A = "Euler a"  # ancestral: drifts, may be looked at, never makes a palette


ANCESTRAL: frozenset[Sampler] = frozenset({Sampler.EULER_A})


class Way(StrEnum):
    """How a payload takes its seeds."""

    OWN_SEEDS = "a"  # each candidate its own
    ONE_SEED = "b"  # one for all


class SubjectsFrom(StrEnum):
    """Whose subjects a payload draws."""

    LIST = "list"
    OWN = "own"
    BOTH = "both"


class Layout(StrEnum):
    """How pictures of a trial are laid out."""

    SINGLE = "single"
    PAIR = "pair"  # without beside with
    SWEEP = "sweep"  # by strength


class ExportKind(StrEnum):
    """A file to export."""

    LORA_KOHYA = "lora-kohya"
    LORA_DIFFUSERS = "lora-diffusers"
    EMBEDDINGS = "embeddings"
    DATASET = "dataset"
    CARD = "card"


class Phase(StrEnum):
    """What a running job is doing."""

    NONE = ""  # nobody has begun it
    ENCODING = "encoding"
    DRAWING = "drawing"
    TRAINING = "training"
    MEASURING = "measuring"
    WRITING = "writing"


class Diagnosis(StrEnum):
    """What curve and checkpoints say of a training."""

    GOOD = "good"
    UNDER = "under"
    OVER = "over"
    FLAT = "flat"
    BURNT = "burnt"
    STOPPED = "stopped"
    BLOWN = "blown"  # the loss became no number; the last good checkpoint counts

    @classmethod
    def _missing_(cls, _value: object) -> Diagnosis:
        """What only a newer engine knows to say is no alarm."""
        return cls.GOOD


class SlotShape(StrEnum):
    """What kind of message stands for a slot; one cannot be edited into the other."""

    TEXT = "text"
    PHOTO = "photo"


class Urgency(StrEnum):
    """Why a message is sent; an earlier member goes before a later one of the same chat where order allows."""

    ANSWER = "answer"  # of a tap: at once, unpaced, never queued behind anything
    REPLY = "reply"  # what the person just asked for
    EVENT = "event"  # a result that arrived
    PROGRESS = "progress"  # newest only


class ModelFault(StrEnum):
    """Why the engine has no model: what was found instead of one that it can draw with."""

    MISSING = "missing"
    NOT_FETCHED = "not_fetched"  # a hub model that is not on this machine, and the hub cannot be reached
    PICKLE = "pickle"
    DAMAGED = "damaged"  # no safetensors, or cut off
    INCOMPLETE = "incomplete"  # weights of a part are missing
    NO_UNET = "no_unet"
    NO_VAE = "no_vae"
    NO_TEXT_ENCODER = "no_text_encoder"
    NO_TOKENIZER = "no_tokenizer"
    SEVERAL = "several"  # a folder with several single files
    QUANTIZED = "quantized"
    NOT_FINITE = "not_finite"  # what it says is no number, in full precision neither
    MISMATCHED = "mismatched"  # its parts do not fit each other
    LORA = "lora"
    EMBEDDING = "embedding"
    CONTROLNET = "controlnet"
    VAE_ONLY = "vae_only"
    TEXT_ENCODER_ONLY = "text_encoder_only"
    UNET_ONLY = "unet_only"
    UPSCALER = "upscaler"
    REFINER = "refiner"
    INPAINTING = "inpainting"
    EDITING = "editing"
    EDM = "edm"
    FLUX = "flux"
    SD3 = "sd3"
    PIXART = "pixart"
    VIDEO = "video"
    OTHER = "other"
