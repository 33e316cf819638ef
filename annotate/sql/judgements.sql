-- Answering a seat. annotate/services/work/judgements.py tells what it means; annotate/sql/handout.sql
-- why these are functions, and what IS NOT DISTINCT FROM, || '' and + 0 are for.

-- All that decides what a submit means. No row: no such seat, or a stranger. The form is the
-- version asked for, or the project's present one when that is NULL or not the project's.
CREATE OR REPLACE FUNCTION tandem_look_at_seat(
    the_seat bigint, the_user bigint, the_key text, the_form bigint
) RETURNS TABLE (
    project_id bigint, task_id bigint, state text, is_mine boolean, was_mine boolean,
    shown_order bigint[], kind text, kind_settings text, form_version_id bigint,
    held_seat_id bigint, judgement_id bigint, same_key_id bigint, is_gold boolean
) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    asked record;
BEGIN
    SELECT s.project_id, s.task_id, s.state::text,
           s.state IN ('leased', 'done') AND s.annotator_id IS NOT DISTINCT FROM the_user,
           the_user = ANY (s.former_holders), s.shown_order, s.is_gold
    INTO project_id, task_id, state, is_mine, was_mine, shown_order, is_gold
    FROM annotate_seat s WHERE s.id = the_seat;
    PERFORM FROM annotate_membership m
    WHERE m.project_id = tandem_look_at_seat.project_id AND m.user_id = the_user;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT p.kind::text, p.kind_settings::text, p.form_version_id
    INTO kind, kind_settings, form_version_id
    FROM annotate_project p
    WHERE p.id = tandem_look_at_seat.project_id AND p.archived_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF the_form IS DISTINCT FROM form_version_id THEN
        SELECT v.kind::text, v.kind_settings::text, v.id INTO asked
        FROM annotate_formversion v
        WHERE v.id = the_form AND v.project_id + 0 = tandem_look_at_seat.project_id;
        IF FOUND THEN
            kind := asked.kind;
            kind_settings := asked.kind_settings;
            form_version_id := asked.id;
        END IF;
    END IF;
    held_seat_id := (
        SELECT held.id FROM annotate_seat held
        WHERE held.task_id = tandem_look_at_seat.task_id
          AND held.annotator_id IS NOT DISTINCT FROM the_user
          AND held.state || '' = 'leased');
    judgement_id := (
        SELECT max(j.id + 0) FROM annotate_judgement j
        WHERE j.task_id = tandem_look_at_seat.task_id
          AND j.annotator_id IS NOT DISTINCT FROM the_user);
    same_key_id := (
        SELECT j.id FROM annotate_judgement j
        WHERE the_key <> '' AND j.idempotency_key = the_key AND j.idempotency_key <> ''
          AND j.annotator_id IS NOT NULL AND j.annotator_id IS NOT DISTINCT FROM the_user);
    RETURN NEXT;
END $$;

-- Write the judgement and all that goes with it. No row: something changed since the look.
-- Not `as_late`: the seat is still the person's, though perhaps its time is over, or it is free
-- and was theirs. `as_late`: it was theirs and has gone to somebody else, or is wanted no more.
CREATE OR REPLACE FUNCTION tandem_answer_seat(
    the_seat bigint, the_user bigint, as_late boolean, the_kind text, the_schema int,
    the_form bigint, the_value jsonb, the_rationale text, the_flag text, seconds float8, started timestamptz,
    the_key text
) RETURNS TABLE (
    judgement_id bigint, submitted_at timestamptz, simulated boolean, wants_pause boolean
)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    membership bigint;
    the_project bigint;
    the_task bigint;
    shown bigint[];
    gold boolean;
    pause_due boolean;
BEGIN
    SELECT s.project_id, s.task_id, s.shown_order, s.is_gold
    INTO the_project, the_task, shown, gold
    FROM annotate_seat s WHERE s.id = the_seat;
    SELECT m.id INTO membership FROM annotate_membership m
    WHERE m.project_id = the_project AND m.user_id = the_user FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM annotate_judgement j
                            WHERE j.task_id = the_task
                              AND j.annotator_id IS NOT DISTINCT FROM the_user) THEN
        RETURN;
    END IF;
    IF as_late THEN
        PERFORM FROM annotate_seat s
        WHERE s.id = the_seat AND the_user = ANY (s.former_holders)
          AND s.state IN ('leased', 'done', 'void') AND s.annotator_id IS DISTINCT FROM the_user
        FOR SHARE;
    ELSE
        UPDATE annotate_seat s SET state = 'done', annotator_id = the_user, reopened_key = NULL
        WHERE s.id = the_seat
          AND ((s.state = 'leased' AND s.annotator_id IS NOT DISTINCT FROM the_user)
               OR (s.state = 'open' AND the_user = ANY (s.former_holders)));
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    pause_due := tandem_count_answer(the_project, membership);
    RETURN QUERY
    INSERT INTO annotate_judgement AS j (
        project_id, task_id, kind, schema_version, form_version_id, value, rationale, flag,
        source, simulated, annotator_id, imported_author, seat_id, shown_order, late,
        seconds_active, started_at, submitted_at, idempotency_key, is_gold)
    SELECT the_project, the_task, the_kind, the_schema, the_form, the_value, the_rationale,
           the_flag, 'person', u.is_simulated, the_user, '', the_seat, shown, as_late, seconds,
           started, clock_timestamp(), the_key, gold
    FROM annotate_user u WHERE u.id = the_user
    RETURNING j.id, j.submitted_at, j.simulated, pause_due;
    UPDATE annotate_membership m
    SET done_count = m.done_count + 1, held_seats = array_remove(m.held_seats, the_seat)
    WHERE m.id = membership;
    DELETE FROM annotate_draft d
    WHERE d.seat_id = the_seat AND d.annotator_id IS NOT DISTINCT FROM the_user;
END $$;
