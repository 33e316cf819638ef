-- Which prompts and responses show which media files, written with them, so that a file that
-- anything shows cannot be deleted: the reference locks the file's row until its writer commits.
--
-- Most contents are plain texts; a look for the key "file" in the parsed JSON is all that they
-- cost. The reference is checked at once and not at commit, so that whoever waits for somebody
-- else's deletion is told by its own statement.

CREATE OR REPLACE FUNCTION tandem_note_media() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off -- as in references.sql
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    noted bigint;
    wrong record;
BEGIN
    IF TG_TABLE_NAME = 'annotate_prompt' THEN
        INSERT INTO annotate_mediause (file_id, prompt_id)
        SELECT DISTINCT (part ->> 'file')::bigint, n.id
        FROM new_rows n, jsonb_path_query(n.conversation, '$[*].content[*]') part
        WHERE n.conversation @? '$[*].content[*].file'
            AND jsonb_typeof(part -> 'file') = 'number';
    ELSE
        INSERT INTO annotate_mediause (file_id, prompt_id, response_id)
        SELECT DISTINCT (part ->> 'file')::bigint, n.prompt_id, n.id
        FROM new_rows n, jsonb_path_query(n.content, '$[*]') part
        WHERE n.content @? '$[*].file' AND jsonb_typeof(part -> 'file') = 'number';
    END IF;
    GET DIAGNOSTICS noted = ROW_COUNT;
    IF noted = 0 THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'annotate_prompt' THEN
        SELECT u.file_id AS file INTO wrong
        FROM new_rows n JOIN annotate_mediause u ON u.prompt_id = n.id
            JOIN annotate_mediafile f ON f.id = u.file_id
        WHERE f.project_id <> n.project_id LIMIT 1;
    ELSE
        SELECT u.file_id AS file INTO wrong
        FROM new_rows n JOIN annotate_mediause u ON u.response_id = n.id
            JOIN annotate_mediafile f ON f.id = u.file_id
            JOIN annotate_prompt p ON p.id = n.prompt_id
        WHERE f.project_id <> p.project_id LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'row of % shows media file %, which is of another project',
                        TG_TABLE_NAME, wrong.file
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
                  HINT = 'Upload the file to the same project.';
    END IF;
    RETURN NULL;
END $$;
