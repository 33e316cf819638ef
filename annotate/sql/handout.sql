-- The hand-out. annotate/handout.py tells what it does and why.
--
-- Functions, because their plans are made once a session and under the settings given here. A
-- planner with old statistics takes a busy annotator for a new one, or a table that was empty
-- when it last looked for an empty one; it would then walk through all that was ever done. With
-- sorts, joins by hash or merge and sequential scans off, only the walk along the index that has
-- the order is left. Where a row is looked up by its id or its task, the other conditions are
-- put so that no index can serve them (IS NOT DISTINCT FROM, || '', + 0): above all not a partial
-- one, which looks cheap to read whole for as long as it is remembered as empty. For the same
-- reason tables that grow are not joined: an index that would serve a merge is read whole, too.
--
-- Each statement of a function sees what was committed before that statement, so what follows
-- the lock on the membership sees all that the person's other requests did.

-- Whether the person neither sits, sat, answered nor skipped at the task, nor wrote a text of it.
CREATE OR REPLACE FUNCTION tandem_is_free(the_task bigint, the_user bigint)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NOT EXISTS (SELECT FROM annotate_seat s
                       WHERE s.task_id = the_task AND s.annotator_id IS NOT DISTINCT FROM the_user)
       AND NOT EXISTS (SELECT FROM annotate_judgement j
                       WHERE j.task_id = the_task AND j.annotator_id IS NOT DISTINCT FROM the_user)
       AND NOT EXISTS (SELECT FROM annotate_skip k
                       WHERE k.task_id = the_task AND k.annotator_id IS NOT DISTINCT FROM the_user)
       AND NOT EXISTS (SELECT FROM annotate_taskauthor a
                       WHERE a.task_id = the_task AND a.author_id IS NOT DISTINCT FROM the_user);
END $$;

-- Whether somebody who knows these languages and skills may have what asks for a language (in small
-- letters, '' for none) and skills. Of whom no language is known gets tasks in every one. A tag answers
-- for another where the shorter begins the longer, subtag by subtag: as
-- annotate/assignment/eligibility.py has it.
CREATE OR REPLACE FUNCTION tandem_meets(
    asked_language text, asked_skills text[], languages text[], skills text[]
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT asked_skills <@ skills
       AND (asked_language = '' OR cardinality(languages) = 0
            OR EXISTS (SELECT FROM unnest(languages) AS known (tag)
                       WHERE starts_with(lower(known.tag) || '-', asked_language || '-')
                          OR starts_with(asked_language || '-', lower(known.tag) || '-')))
$$;

-- The project's requirements that a member does not meet; seats of these are passed over.
CREATE OR REPLACE FUNCTION tandem_barred(the_project bigint, the_membership bigint)
RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    member record;
BEGIN
    IF NOT EXISTS (SELECT FROM annotate_requirement r WHERE r.project_id = the_project) THEN
        RETURN '{}';
    END IF;
    SELECT m.languages, m.skills, m.tier INTO member
    FROM annotate_membership m WHERE m.id = the_membership;
    RETURN ARRAY (
        SELECT r.id FROM annotate_requirement r
        WHERE r.project_id = the_project AND NOT (
            (r.tier = '' OR r.tier = member.tier)
            AND tandem_meets(r.language::text, r.skills::text[], member.languages::text[],
                             member.skills::text[])));
END $$;

-- The seat that this person works at next, leased to them, with what the page shows of it.
-- outcome: 'leased' | 'none' | 'full' (two leases, or the project is paused) | 'stranger'
-- | 'unasked' (the person has yet to agree to the project's text, or to pass its questions)
-- | why the person is held back (see checks.sql).
-- `everywhere` leaves the cursors aside and waits for locked rows.
CREATE OR REPLACE FUNCTION tandem_lease_seat(
    the_project bigint, the_user bigint, beside bigint, everywhere boolean,
    OUT outcome text, OUT seat_id bigint, OUT task_id bigint, OUT leased_until timestamptz,
    OUT kind text, OUT kind_settings text, OUT form_version bigint,
    OUT prompt text, OUT context text, OUT responses text, OUT draft text
) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    lease interval;
    is_active boolean;
    is_asked boolean;
    membership bigint;
    holds bigint[];
    shown bigint[];
    queue_at bigint;
    reopened_at bigint;
    ranked_at bigint;
    the_prompt bigint;
BEGIN
    SELECT p.lease_seconds * interval '1 second', p.state = 'active', p.kind,
           p.kind_settings::text, p.form_version_id, m.id, m.held_seats,
           (p.consent_id IS NULL OR m.consent_id IS NOT DISTINCT FROM p.consent_id)
           AND (p.profile_questions = '[]' OR p.profile_until < current_date
                OR m.profile_asked_at IS NOT NULL)
    INTO lease, is_active, kind, kind_settings, form_version, membership, holds, is_asked
    FROM annotate_membership m JOIN annotate_project p ON p.id = m.project_id
    WHERE m.project_id = the_project AND m.user_id = the_user AND p.archived_at IS NULL;
    IF NOT FOUND THEN
        outcome := 'stranger';
        RETURN;
    END IF;
    IF NOT is_asked THEN
        outcome := 'unasked';
        RETURN;
    END IF;

    -- One's own lease: without any lock while at least half of it is left.
    SELECT s.id, s.leased_until INTO seat_id, leased_until FROM annotate_seat s
    WHERE s.id = ANY (holds) AND s.id IS DISTINCT FROM beside
      AND s.state || '' = 'leased' AND s.annotator_id IS NOT DISTINCT FROM the_user
    ORDER BY s.leased_at, s.id LIMIT 1;

    IF seat_id IS NULL OR leased_until < moment + lease / 2 THEN
        PERFORM FROM annotate_membership m WHERE m.id = membership FOR NO KEY UPDATE;
        moment := clock_timestamp();  -- seats are leased in the order of the locks
        SELECT m.queue_cursor, m.reopened_cursor, m.ranked_cursor, m.held_seats
        INTO queue_at, reopened_at, ranked_at, holds
        FROM annotate_membership m WHERE m.id = membership;
        IF NOT FOUND THEN
            outcome := 'stranger';
            RETURN;
        END IF;
        holds := ARRAY (
            SELECT s.id FROM annotate_seat s
            WHERE s.id = ANY (holds)
              AND s.state || '' = 'leased' AND s.annotator_id IS NOT DISTINCT FROM the_user
            ORDER BY s.leased_at, s.id);
        seat_id := (SELECT held.id FROM unnest(holds) held (id)
                    WHERE held.id IS DISTINCT FROM beside LIMIT 1);
        IF seat_id IS NULL THEN
            IF cardinality(holds) >= 2 OR NOT is_active THEN
                outcome := 'full';
                RETURN;
            END IF;
            SELECT h.why INTO outcome FROM tandem_hold_back(membership, cardinality(holds)) h;
            IF outcome IS NOT NULL THEN
                RETURN;
            END IF;
            seat_id := tandem_draw_gold(the_project, the_user, membership, lease);
            IF seat_id IS NULL THEN
                seat_id := tandem_pick_seat(
                    the_project, the_user, membership, everywhere, queue_at, reopened_at,
                    ranked_at);
            END IF;
            IF seat_id IS NULL THEN
                outcome := 'none';
                RETURN;
            END IF;
            UPDATE annotate_membership m SET held_seats = holds || seat_id
            WHERE m.id = membership;
            UPDATE annotate_standing s SET draws = s.draws + 1 WHERE s.membership_id = membership;
        END IF;
        UPDATE annotate_seat s
        SET state = 'leased', annotator_id = the_user, reopened_key = NULL, ranked_key = NULL,
            leased_at = CASE s.state WHEN 'open' THEN moment ELSE s.leased_at END,
            leased_until = moment + lease
        WHERE s.id = seat_id
          AND (s.state = 'open'
               OR (s.state = 'leased' AND s.annotator_id IS NOT DISTINCT FROM the_user))
        RETURNING s.leased_until INTO leased_until;
        IF NOT FOUND THEN
            -- It ran out, and somebody else took it while this waited for its row.
            outcome := 'none';
            RETURN;
        END IF;
    END IF;

    outcome := 'leased';
    SELECT s.task_id, s.shown_order INTO task_id, shown
    FROM annotate_seat s WHERE s.id = seat_id;
    SELECT t.context::text, t.prompt_id INTO context, the_prompt
    FROM annotate_task t WHERE t.id = tandem_lease_seat.task_id;
    prompt := (
        SELECT json_build_object('system', p.system, 'conversation', p.conversation,
                                 'language', p.language, 'passages', p.passages)::text
        FROM annotate_prompt p WHERE p.id = the_prompt);
    responses := (
        SELECT json_agg(json_build_object('id', r.id, 'content', r.content)
                        ORDER BY array_position(shown, r.id))::text
        FROM annotate_response r WHERE r.id = ANY (shown));
    draft := (SELECT d.value::text FROM annotate_draft d
              WHERE d.seat_id = tandem_lease_seat.seat_id
                AND d.annotator_id IS NOT DISTINCT FROM the_user);
END $$;

-- An open seat that is free to the person, locked, and the person's cursors moved; or NULL.
-- The ends of the lanes are read before the lanes, so that what is added meanwhile lies behind
-- the cursors that are set to them.
--
-- The queue and the ranked lane share their keys' scale: the ranks of a priority lie in the block
-- of 2^51 keys before its queue (see annotate/services/work/tasks.py). So the two lanes are walked by
-- turns: the queue up to the next rank, then the block of that rank. Where nothing is ranked any
-- more the cursor goes behind all ranks, for old rankings leave dead entries in the index that each
-- look would step over until they are vacuumed. Whoever ranks anew sets it back, once the person's
-- lock is free, so nothing ranked meanwhile lies behind it.
CREATE OR REPLACE FUNCTION tandem_pick_seat(
    the_project bigint, the_user bigint, membership bigint, everywhere boolean,
    queue_at bigint, reopened_at bigint, ranked_at bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    after_all_ranks CONSTANT bigint := 1::bigint << 62;
    barred CONSTANT bigint[] := tandem_barred(the_project, membership);
    picked bigint;
    place bigint;
    new_queue_at bigint := queue_at;
    new_reopened_at bigint := reopened_at;
    new_ranked_at bigint := ranked_at;
    lane_end bigint;
    next_rank bigint;
    block_end bigint;
    queue_end bigint;
BEGIN
    IF everywhere THEN
        SELECT s.id INTO picked FROM annotate_seat s
        WHERE s.project_id = the_project AND s.state = 'open'
          AND (s.requirement_id IS NULL OR s.requirement_id <> ALL (barred))
          AND tandem_is_free(s.task_id, the_user)
        ORDER BY s.queue_key, s.id LIMIT 1
        FOR NO KEY UPDATE;
        RETURN picked;
    END IF;

    lane_end := (SELECT s.reopened_key FROM annotate_seat s
                 WHERE s.project_id = the_project AND s.state = 'open'
                   AND s.reopened_key IS NOT NULL AND s.reopened_key > reopened_at
                 ORDER BY s.reopened_key DESC LIMIT 1);
    IF lane_end IS NOT NULL THEN
        SELECT s.id, s.reopened_key INTO picked, place FROM annotate_seat s
        WHERE s.project_id = the_project AND s.state = 'open'
          AND s.reopened_key IS NOT NULL AND s.reopened_key > reopened_at
          AND (s.requirement_id IS NULL OR s.requirement_id <> ALL (barred))
          AND tandem_is_free(s.task_id, the_user)
        ORDER BY s.reopened_key LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED;
        new_reopened_at := coalesce(place, lane_end);
    END IF;

    WHILE picked IS NULL LOOP
        next_rank := (SELECT s.ranked_key FROM annotate_seat s
                      WHERE s.project_id = the_project AND s.state = 'open'
                        AND s.ranked_key IS NOT NULL AND s.ranked_key > new_ranked_at
                      ORDER BY s.ranked_key, s.id LIMIT 1);
        queue_end := coalesce(next_rank, 9223372036854775807);
        lane_end := (SELECT s.queue_key FROM annotate_seat s
                     WHERE s.project_id = the_project AND s.state = 'open'
                       AND s.queue_key > new_queue_at AND s.queue_key < queue_end
                     ORDER BY s.queue_key DESC, s.id DESC LIMIT 1);
        IF lane_end IS NOT NULL THEN
            SELECT s.id, s.queue_key INTO picked, place FROM annotate_seat s
            WHERE s.project_id = the_project AND s.state = 'open'
              AND s.queue_key > new_queue_at AND s.queue_key < queue_end
              AND (s.requirement_id IS NULL OR s.requirement_id <> ALL (barred))
              AND tandem_is_free(s.task_id, the_user)
            ORDER BY s.queue_key, s.id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED;
            new_queue_at := coalesce(place, lane_end);
        END IF;
        IF next_rank IS NULL THEN
            new_ranked_at := after_all_ranks;
        END IF;
        EXIT WHEN picked IS NOT NULL OR next_rank IS NULL;

        block_end := ((next_rank >> 51) + 1) << 51;
        SELECT s.id, s.ranked_key INTO picked, place FROM annotate_seat s
        WHERE s.project_id = the_project AND s.state = 'open'
          AND s.ranked_key IS NOT NULL
          AND s.ranked_key > new_ranked_at AND s.ranked_key < block_end
          AND (s.requirement_id IS NULL OR s.requirement_id <> ALL (barred))
          AND tandem_is_free(s.task_id, the_user)
        ORDER BY s.ranked_key, s.id LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED;
        new_ranked_at := coalesce(place, block_end - 1);
    END LOOP;

    IF (new_queue_at, new_reopened_at, new_ranked_at) <> (queue_at, reopened_at, ranked_at) THEN
        UPDATE annotate_membership m
        SET queue_cursor = new_queue_at, reopened_cursor = new_reopened_at,
            ranked_cursor = new_ranked_at
        WHERE m.id = membership;
    END IF;
    RETURN picked;
END $$;
