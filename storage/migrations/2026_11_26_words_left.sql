-- Words of the style that a person wants to stay in a caption: each is pointed out once.
ALTER TABLE candidates ADD COLUMN left_words TEXT NOT NULL DEFAULT '[]';
