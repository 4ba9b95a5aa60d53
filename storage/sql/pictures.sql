-- name: add
-- A drawn picture; the same position of a job again changes nothing.
INSERT INTO pictures (job, position, quest, role, file, step, facts) VALUES (:job, :position, :quest, :role, :file, :step, :facts)
ON CONFLICT (job, position) DO NOTHING;

-- name: find
-- One picture.
SELECT * FROM pictures WHERE id = :id;

-- name: at
-- The picture at a position of a job.
SELECT * FROM pictures WHERE job = :job AND position = :position;

-- name: of_job
-- A job's pictures in order.
SELECT * FROM pictures WHERE job = :job ORDER BY position;

-- name: of_quest
-- A quest's pictures of one role, in the order they were drawn.
SELECT * FROM pictures WHERE quest = :quest AND role = :role ORDER BY job, position;

-- name: ungathered
-- Candidates' pictures that are not candidates yet.
SELECT pictures.id FROM pictures LEFT JOIN candidates ON candidates.picture = pictures.id
WHERE pictures.quest = :quest AND pictures.role = 'candidate' AND candidates.picture IS NULL ORDER BY pictures.job, pictures.position;

-- name: last_number
-- The highest candidate number of a quest.
SELECT coalesce(max(number), 0) AS number FROM candidates WHERE quest = :quest;

-- name: gather
-- A picture becomes a candidate.
INSERT INTO candidates (picture, quest, number) VALUES (:picture, :quest, :number);

-- name: candidates
-- A quest's candidates by number, with their pictures.
SELECT pictures.*, candidates.number, candidates.verdict, candidates.judged, candidates.caption, candidates.caption_edited,
    candidates.left_words
FROM candidates JOIN pictures ON pictures.id = candidates.picture WHERE candidates.quest = :quest ORDER BY candidates.number;

-- name: judge
-- A verdict; the same one again changes nothing and keeps its place in the order.
UPDATE candidates SET verdict = :verdict, judged = (SELECT coalesce(max(judged), 0) + 1 FROM candidates WHERE quest = :quest)
WHERE picture = :picture AND quest = :quest AND verdict <> :verdict;

-- name: last_judged
-- The candidate judged last.
SELECT picture FROM candidates WHERE quest = :quest AND judged IS NOT NULL ORDER BY judged DESC LIMIT 1;

-- name: unjudge
-- A verdict is taken back.
UPDATE candidates SET verdict = 'unseen', judged = NULL WHERE picture = :picture;

-- name: caption
-- What a palette picture is trained with.
UPDATE candidates SET caption = :caption, caption_edited = :edited WHERE picture = :picture AND quest = :quest;

-- name: leave_words
-- Words of the style that the person wants to stay in a caption.
UPDATE candidates SET left_words = :words WHERE picture = :picture AND quest = :quest;
