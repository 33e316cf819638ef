-- References that many rows at once carry, checked once a statement instead of once a row.
--
-- A foreign key looks up and locks the parent for every row, which took half of the database's
-- part of an import. Here the rows of a statement are compared with their parents together, and
-- parents are never deleted and children never moved, so nothing needs a lock. Beside that a
-- parent exists, these say that a task and its seats are of one project.
--
-- The plans are made once a session and may have to serve one row or thousands. A join that was
-- planned while the tables were small may read all parents for each child; a sub-select of one
-- value is never made a join, and without sequential scans looks its parent up by the key.

CREATE OR REPLACE FUNCTION tandem_check_references() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    wrong record;
BEGIN
    CASE TG_NAME
    WHEN 'response_of_prompt' THEN
        SELECT n.prompt_id AS parent INTO wrong FROM new_rows n WHERE (
            SELECT p.id FROM annotate_prompt p WHERE p.id = n.prompt_id) IS NULL LIMIT 1;
    WHEN 'task_of_prompt' THEN
        SELECT n.prompt_id AS parent INTO wrong FROM new_rows n WHERE (
            SELECT p.project_id FROM annotate_prompt p
            WHERE p.id = n.prompt_id) IS DISTINCT FROM n.project_id LIMIT 1;
    WHEN 'place_of_task' THEN
        SELECT n.task_id AS parent INTO wrong FROM new_rows n WHERE (
            SELECT t.id FROM annotate_task t WHERE t.id = n.task_id) IS NULL LIMIT 1;
    WHEN 'place_of_response' THEN
        SELECT n.response_id AS parent INTO wrong FROM new_rows n WHERE (
            SELECT r.id FROM annotate_response r WHERE r.id = n.response_id) IS NULL LIMIT 1;
    WHEN 'seat_of_task' THEN
        SELECT n.task_id AS parent INTO wrong FROM new_rows n WHERE (
            SELECT t.project_id FROM annotate_task t
            WHERE t.id = n.task_id) IS DISTINCT FROM n.project_id LIMIT 1;
    END CASE;
    IF FOUND THEN
        RAISE EXCEPTION 'row of % names %, which is not there or of another project',
                        TG_TABLE_NAME, wrong.parent
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
                  HINT = 'Add the parent first, in the same project.';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tandem_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % stays where it is: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
              HINT = 'Archive the project, or void the seat, instead.';
END $$;
