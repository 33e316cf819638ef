-- Checks, qualification and limits in the hand-out. annotate/models/checks.py tells what they mean,
-- handout.sql what IS NOT DISTINCT FROM and + 0 are for. Whoever calls holds the membership's row,
-- so that two requests of one person never count or draw at the same time.

-- Why a member gets no further seat, and until when; no reason where they may. `held`: seats in
-- their hands that they have yet to answer, which count as if they were answered.
-- why: 'paused' | 'practice' | 'hour' | 'day' | 'total'. Annotators only: managers and reviewers
-- know the answers.
CREATE OR REPLACE FUNCTION tandem_hold_back(
    the_membership bigint, held int, OUT why text, OUT until timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    moment CONSTANT timestamptz := clock_timestamp();
    member record;
    rules annotate_workrules;
    standing annotate_standing;
BEGIN
    SELECT m.project_id, m.role, m.done_count INTO member
    FROM annotate_membership m WHERE m.id = the_membership;
    IF member.role <> 'annotator' THEN
        RETURN;
    END IF;
    SELECT * INTO standing FROM annotate_standing s WHERE s.membership_id = the_membership;
    IF standing.paused_at IS NOT NULL THEN
        why := 'paused';
        RETURN;
    END IF;
    IF standing.cap_own <= member.done_count + held THEN
        why := 'total';
        RETURN;
    END IF;
    SELECT * INTO rules FROM annotate_workrules r WHERE r.project_id = member.project_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF (rules.training AND standing.trained_at IS NULL)
       OR (rules.quiz_pass_percent > 0 AND standing.qualified_at IS NULL) THEN
        why := 'practice';
    ELSIF rules.cap_total > 0 AND member.done_count + held >= rules.cap_total THEN
        why := 'total';
    ELSIF rules.cap_day > 0 AND rules.cap_day <= held + (CASE
            WHEN standing.day_began > moment - interval '24 hours' THEN standing.day_count
            ELSE 0 END) THEN
        why := 'day';
        until := standing.day_began + interval '24 hours';
    ELSIF rules.cap_hour > 0 AND rules.cap_hour <= held + (CASE
            WHEN standing.hour_began > moment - interval '1 hour' THEN standing.hour_count
            ELSE 0 END) THEN
        why := 'hour';
        until := standing.hour_began + interval '1 hour';
    END IF;
END $$;

-- Whether a task is in a language that the member reads and asks for no skill that they lack. That it
-- is kept for experts says who labels it, not whom it may check.
CREATE OR REPLACE FUNCTION tandem_suits(the_task bigint, the_membership bigint)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asks_skills text[];
    asks_language text;
    the_prompt bigint;
BEGIN
    SELECT t.skills::text[], t.prompt_id INTO asks_skills, the_prompt
    FROM annotate_task t WHERE t.id = the_task;
    SELECT lower(p.language) INTO asks_language FROM annotate_prompt p WHERE p.id = the_prompt;
    RETURN (SELECT tandem_meets(asks_language, asks_skills, m.languages::text[], m.skills::text[])
            FROM annotate_membership m WHERE m.id = the_membership);
END $$;

-- A hidden item's seat, leased to the person, if one is due to them and there is one that they do
-- not know and that suits them; else NULL. Of each 100 / gold_percent seats in a row one is due, at a place that a hash
-- of membership and turn decides. People go round one circle of items, from different places on.
CREATE OR REPLACE FUNCTION tandem_draw_gold(
    the_project bigint, the_user bigint, the_membership bigint, lease interval
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    moment CONSTANT timestamptz := clock_timestamp();
    percent int;
    drawn bigint;
    place bigint;
    spent boolean;
    is_due boolean := false;
    the_task bigint;
    key bigint;
    made bigint;
BEGIN
    SELECT r.gold_percent INTO percent FROM annotate_workrules r WHERE r.project_id = the_project;
    IF percent IS NULL OR percent = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM FROM annotate_membership m WHERE m.id = the_membership AND m.role = 'annotator';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO annotate_standing (membership_id) VALUES (the_membership) ON CONFLICT DO NOTHING;
    SELECT s.draws, s.gold_cursor, s.gold_spent INTO drawn, place, spent
    FROM annotate_standing s WHERE s.membership_id = the_membership;
    FOR turn IN drawn * percent / 100 .. (drawn + 1) * percent / 100 LOOP
        is_due := is_due OR drawn = floor(
            (turn + (hashint8extended(turn, the_membership) & 1048575) / 1048576.0)
            * 100 / percent);
    END LOOP;
    IF spent OR NOT is_due THEN
        RETURN NULL;
    END IF;

    place := coalesce(place, hashint8extended(the_membership, 0) & 2147483647);
    SELECT g.task_id, g.draw_key INTO the_task, key FROM annotate_golditem g
    WHERE g.project_id = the_project AND g.retired_at IS NULL AND g.use IN ('hidden', 'attention')
      AND g.draw_key > place AND tandem_suits(g.task_id, the_membership)
      AND tandem_is_free(g.task_id, the_user)
    ORDER BY g.draw_key LIMIT 1 FOR NO KEY UPDATE;
    IF the_task IS NULL THEN
        SELECT g.task_id, g.draw_key INTO the_task, key FROM annotate_golditem g
        WHERE g.project_id = the_project AND g.retired_at IS NULL
          AND g.use IN ('hidden', 'attention')
          AND g.draw_key <= place AND tandem_suits(g.task_id, the_membership)
          AND tandem_is_free(g.task_id, the_user)
        ORDER BY g.draw_key LIMIT 1 FOR NO KEY UPDATE;
    END IF;
    UPDATE annotate_standing s SET gold_cursor = coalesce(key, place), gold_spent = key IS NULL
    WHERE s.membership_id = the_membership;
    IF the_task IS NULL THEN
        RETURN NULL;
    END IF;
    -- Numbers from 1000 on: those below are the seats of ordinary work, of at most 100 people.
    INSERT INTO annotate_seat (
        task_id, project_id, number, state, annotator_id, leased_at, leased_until, shown_order,
        former_holders, queue_key, is_gold)
    SELECT the_task, the_project,
           greatest(1000, 1 + coalesce((SELECT max(s.number) FROM annotate_seat s
                                        WHERE s.task_id = the_task), 0)),
           'leased', the_user, moment, moment + lease,
           ARRAY (SELECT r.response_id FROM annotate_taskresponse r WHERE r.task_id = the_task
                  ORDER BY hashint8extended(r.response_id, the_user), r.response_id),
           '{}', 0, true
    RETURNING id INTO made;
    RETURN made;
END $$;

-- Count an answer towards the member's limits; whether it is time to suggest a pause. Five minutes
-- without an answer end a stretch of work.
CREATE OR REPLACE FUNCTION tandem_count_answer(the_project bigint, the_membership bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    moment CONSTANT timestamptz := clock_timestamp();
    seconds numeric;
    before annotate_standing;
    began timestamptz;
BEGIN
    SELECT nullif(r.break_minutes, 0) * 60 INTO seconds
    FROM annotate_workrules r WHERE r.project_id = the_project;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO annotate_standing (membership_id) VALUES (the_membership) ON CONFLICT DO NOTHING;
    SELECT * INTO before FROM annotate_standing s WHERE s.membership_id = the_membership;
    began := CASE WHEN before.last_answer_at > moment - interval '5 minutes'
             THEN before.stretch_began ELSE moment END;
    UPDATE annotate_standing s
    SET hour_count = 1 + CASE WHEN s.hour_began > moment - interval '1 hour'
                         THEN s.hour_count ELSE 0 END,
        hour_began = CASE WHEN s.hour_began > moment - interval '1 hour'
                     THEN s.hour_began ELSE moment END,
        day_count = 1 + CASE WHEN s.day_began > moment - interval '24 hours'
                        THEN s.day_count ELSE 0 END,
        day_began = CASE WHEN s.day_began > moment - interval '24 hours'
                    THEN s.day_began ELSE moment END,
        stretch_began = began, last_answer_at = moment
    WHERE s.membership_id = the_membership;
    -- Once in each such time: when this answer is the first beyond a multiple of it.
    RETURN before.stretch_began = began
       AND floor(extract(epoch FROM moment - began) / seconds)
           > floor(extract(epoch FROM before.last_answer_at - began) / seconds);
END $$;
