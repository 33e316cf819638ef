-- What follows a judgement, in its own transaction; nothing where its project wants neither.
-- In projects whose overlap adapts, whatever answers a task makes its seats due to be fitted: see
-- annotate/services/work/overlaps.py. Once a statement, so that an import of labels costs one look; what
-- judges say, and what checks a person by a known answer, does not count. Nothing is looked up but the projects' rows, by their ids.
-- Where a webhook wants to know of judgements or tasks, each is to be told: see
-- annotate/services/webhooks/answers.py. Not those that a file brought, nor those at known answers.
CREATE OR REPLACE FUNCTION tandem_overlap_due() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    concerned bigint[] := ARRAY(SELECT DISTINCT n.project_id FROM new_rows n);
    adaptive bigint[];
    telling bigint[];
BEGIN
    SELECT coalesce(array_agg(p.id) FILTER (WHERE p.overlap_most IS NOT NULL), '{}'),
           coalesce(array_agg(p.id) FILTER (WHERE p.tells_answers), '{}')
    INTO adaptive, telling
    FROM annotate_project p WHERE p.id = ANY (concerned);
    IF cardinality(adaptive) > 0 THEN
        INSERT INTO annotate_overlapdue (task_id)
        SELECT DISTINCT n.task_id FROM new_rows n
        WHERE n.project_id = ANY (adaptive) AND n.source <> 'judge' AND NOT n.is_gold;
    END IF;
    IF cardinality(telling) > 0 THEN
        INSERT INTO annotate_untoldjudgement (judgement_id, project_id, task_id)
        SELECT n.id, n.project_id, n.task_id FROM new_rows n
        WHERE n.project_id = ANY (telling) AND n.source <> 'imported' AND NOT n.is_gold;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER judgement_makes_overlap_due
AFTER INSERT ON annotate_judgement REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION tandem_overlap_due();
