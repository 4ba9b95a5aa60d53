"""What a recipe may ask of a training, by the name of the practice."""

from __future__ import annotations

from tests.engine.sealing import RESIDUAL

CONVOLUTIONS = (*RESIDUAL, "to_v")
PRACTICES: dict[str, dict[str, object]] = {
    "plain": {"min_snr_gamma": None, "timesteps": "uniform", "schedule": "constant"},
    "min-SNR": {},
    "debiased": {"debiased": True, "min_snr_gamma": None},
    "Huber": {"loss": "huber", "huber_delta": 0.3},
    "smooth L1": {"loss": "smooth_l1"},
    "noise offset": {"noise_offset": 0.05},
    "style-leaning timesteps": {"timesteps": "style", "min_snr_gamma": None},
    "masked": {"masked": True},
    "prior by the trigger": {"prior_weight": 0.5},
    "prior by the class": {"prior_weight": 0.5, "prior": "class", "class_prompt": "a pizza", "class_pictures": 2},
    "EMA": {"ema_decay": 0.9},
    "shuffled captions": {"shuffle_caption": True},
    "flips, crops and buckets": {"flip": True, "crops": 2, "buckets": 2},
    "moved": {"moved": 2},
    "rsLoRA": {"use_rslora": True, "rank": 4, "alpha": 4},
    "DoRA": {"use_dora": True},
    "patterns": {"rank_pattern": {"to_v": 4}, "alpha_pattern": {"attn2.to_k": 8}, "alpha": 1},
    "convolutions": {"targets": CONVOLUTIONS},
    "DoRA on convolutions": {"targets": CONVOLUTIONS, "use_dora": True},
    "LoRA+": {"loraplus_ratio": 4.0, "learning_rate": 4e-3},
    "Prodigy": {"optimizer": "prodigy", "learning_rate": 1.0},
    "D-Adaptation": {"optimizer": "dadaptation", "learning_rate": 1.0},
    "linear schedule": {"schedule": "linear"},
    "cosine with restarts": {"schedule": "cosine_restarts"},
    "accumulation": {"batch_size": 1, "accumulation": 2},
}
