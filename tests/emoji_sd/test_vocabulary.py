"""What the embedded model is trained, as the file that ships says."""

from __future__ import annotations

from collections import Counter

import numpy as np

from emoji_sd.recipe.data import captions, vocabulary
from emoji_sd.recipe.judge.evaluate import ask
from emoji_sd.recipe.train import text


def test_the_file_reads_back_as_it_was_written(tmp_path):
    words = vocabulary.load()
    vocabulary.write(words, tmp_path / "vocabulary.json")
    assert vocabulary.load(tmp_path / "vocabulary.json") == words


def test_every_subject_has_five_sets_and_a_name_of_its_own():
    subjects = vocabulary.load().subjects
    assert len(subjects) > 800
    assert len({subject.words for subject in subjects}) == len(subjects)
    assert all(len(subject.icons.keys() - {"openmoji"}) >= 5 for subject in subjects)


def test_openmoji_is_a_source_of_no_look():
    assert all(look.source != "openmoji" for look in vocabulary.load().looks)


def test_about_a_tenth_of_the_pairs_is_held_out_in_every_look():
    words = vocabulary.load()
    pairs = Counter(look for _, look in words.pairs())
    held = Counter(look for subject, look in words.pairs() if words.is_held_out(subject, look))
    assert all(0.05 < held[look] / pairs[look] < 0.17 for look in pairs)


def test_the_evaluation_asks_for_the_pairs_it_says_and_spreads_them_over_the_looks():
    words = vocabulary.load()
    for held_out in (False, True):
        asked = ask(words, 130, held_out=held_out)
        assert all(
            words.is_held_out(s, k) == held_out
            for s, k in zip(asked.subject.tolist(), asked.look.tolist(), strict=True)
        )
        assert min(Counter(asked.look.tolist()).values()) == 10


def test_every_word_of_a_caption_is_one_token_and_any_text_has_tokens(tmp_path):
    words = captions.words(vocabulary.load())
    tokenizer = text.make_tokenizer(words, tmp_path)
    assert all(len(tokenizer.tokenize(word)) == 1 for word in words if word.isalpha())
    assert tokenizer.tokenize("zbrstyle")
    assert text.ids(tokenizer, ["a fox, flat vector", ""]).shape == (2, text.TOKENS)


def test_the_tokenizer_is_the_same_every_time():
    words = captions.words(vocabulary.load())
    assert text.merges_for(words) == text.merges_for(words[::-1])


def test_captions_leave_parts_out_as_often_as_they_say():
    words = vocabulary.load()
    chance = np.random.default_rng(0)
    said = [captions.varied(words, 0, 0, 0, chance) for _ in range(4000)]
    subject, ground = words.subjects[0].words, f"{next(iter(words.grounds))} background"
    assert abs(sum(not one for one in said) / len(said) - captions.EMPTY) < 0.02
    assert abs(sum(bool(one) and subject not in one for one in said) / len(said) - captions.NO_SUBJECT) < 0.02
    assert all(ground in one for one in said if one)
    assert not any("background" in captions.varied(words, 0, 0, None, chance) for _ in range(100))


def test_a_manner_stands_before_its_look_or_alone_where_none_is_named():
    words, chance = vocabulary.load(), np.random.default_rng(0)
    look = words.looks[3].words
    assert captions.caption("fox", look, "white", "outlined") == f"a fox, outlined {look}, white background"
    for named, meant in ((3, f"small outlined {look}"), (None, "small outlined")):
        said = [captions.varied(words, 0, named, 0, chance, "small outlined") for _ in range(50)]
        assert all(meant in one.split(", ") for one in said if one)
