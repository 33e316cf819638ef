-- In projects whose overlap adapts, whatever answers a task makes its seats due to be fitted: see
-- annotate/services/work/overlaps.py. Once a statement, so that an import of labels costs one look; what
-- judges say, and what checks a person by a known answer, does not count. Nothing is looked up but the projects' rows, by their ids.
CREATE OR REPLACE FUNCTION tandem_overlap_due() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    concerned bigint[] := ARRAY(SELECT DISTINCT n.project_id FROM new_rows n);
BEGIN
    concerned := ARRAY(SELECT p.id FROM annotate_project p
                       WHERE p.id = ANY (concerned) AND p.overlap_most IS NOT NULL);
    IF cardinality(concerned) > 0 THEN
        INSERT INTO annotate_overlapdue (task_id)
        SELECT DISTINCT n.task_id FROM new_rows n
        WHERE n.project_id = ANY (concerned) AND n.source <> 'judge' AND NOT n.is_gold;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER judgement_makes_overlap_due
AFTER INSERT ON annotate_judgement REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION tandem_overlap_due();
