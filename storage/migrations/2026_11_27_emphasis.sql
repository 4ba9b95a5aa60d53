-- How much stronger or weaker than written a style's words are is called emphasis; strength is a seal's.
UPDATE quests
SET style = json_remove(json_set(style, '$.emphasis', json_extract(style, '$.strength')), '$.strength')
WHERE json_extract(style, '$.strength') IS NOT NULL;
