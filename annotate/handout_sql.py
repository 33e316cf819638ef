"""The statements of the hand-out; annotate/handout.py tells what they do and why.

Each is written so that its plan cannot depend on statistics: the candidates are the first few
rows of one index, materialised, and everything else is a look-up by task or id.
"""

# May this person sit at the task of {seat}? A count cannot be turned into a join, and `+ 0` leaves
# only the index on the task: a planner with old statistics takes a busy annotator for a new one
# and would walk through all that they ever did.
FREE_FOR_USER = """
    (SELECT count(*) FROM annotate_seat other
     WHERE other.task_id = {seat}.task_id AND other.annotator_id + 0 = %(user)s) = 0
    AND (SELECT count(*) FROM annotate_skip skip
         WHERE skip.task_id = {seat}.task_id AND skip.annotator_id + 0 = %(user)s) = 0
    AND (SELECT count(*) FROM annotate_judgement judgement
         WHERE judgement.task_id = {seat}.task_id AND judgement.annotator_id + 0 = %(user)s) = 0
"""

# One row, or none for a stranger: (interfered, searched, whether the lanes go on behind the
# windows, the columns of a Lease).
FRAME = """
WITH place AS MATERIALIZED (
    SELECT project.id, project.state, project.lease_seconds, project.kind,
           project.kind_settings, membership.id AS membership_id,
           membership.xmin AS membership_xmin
    FROM annotate_project project
    JOIN annotate_membership membership
      ON membership.project_id = project.id AND membership.user_id = %(user)s
    WHERE project.id = %(project)s AND project.archived_at IS NULL
), mine AS MATERIALIZED (
    SELECT seat.id, seat.leased_until, seat.leased_at
    FROM annotate_seat seat
    WHERE seat.annotator_id = %(user)s AND seat.project_id = %(project)s
      AND seat.state = 'leased'
), held AS MATERIALIZED (
    SELECT mine.id, mine.leased_until,
           mine.leased_until < statement_timestamp() AS is_over,
           mine.leased_until < statement_timestamp()
               + place.lease_seconds * interval '0.5 second' AS is_half_over
    FROM mine, place
    WHERE mine.id IS DISTINCT FROM %(beside)s
    ORDER BY mine.leased_at, mine.id LIMIT 1
), renewed AS (
    UPDATE annotate_seat seat
    SET leased_until = statement_timestamp() + place.lease_seconds * interval '1 second'
    FROM held, place
    WHERE seat.id = held.id AND held.is_half_over
      AND seat.state = 'leased' AND seat.annotator_id + 0 = %(user)s
    RETURNING seat.id, seat.leased_until
), locked AS MATERIALIZED (
    SELECT membership.id, membership.xmin AS version,
           membership.queue_cursor, membership.reopened_cursor
    FROM annotate_membership membership, place
    WHERE membership.id = place.membership_id AND place.state = 'active'
      AND NOT EXISTS (SELECT FROM held) AND (SELECT count(*) FROM mine) < 2
    FOR NO KEY UPDATE OF membership
), person AS MATERIALIZED (
    SELECT locked.* FROM locked, place WHERE locked.version = place.membership_xmin
), {search}, taken AS (
    UPDATE annotate_seat seat
    SET state = 'leased', annotator_id = %(user)s, reopened_key = NULL,
        leased_at = statement_timestamp(),
        leased_until = statement_timestamp() + place.lease_seconds * interval '1 second'
    FROM picked, place
    WHERE seat.id = picked.id
    RETURNING seat.id, seat.leased_until
), moved AS (
    UPDATE annotate_membership membership
    SET queue_cursor = {queue_cursor}, reopened_cursor = {reopened_cursor}
    FROM person
    WHERE membership.id = person.id AND ({worth_moving})
), chosen AS (
    SELECT id, leased_until FROM taken
    UNION ALL
    SELECT held.id, coalesce(renewed.leased_until, held.leased_until)
    FROM held LEFT JOIN renewed ON renewed.id = held.id
)
SELECT (EXISTS (SELECT FROM locked) AND NOT EXISTS (SELECT FROM person))
           OR EXISTS (SELECT FROM held
                      WHERE held.is_over AND NOT EXISTS (SELECT FROM renewed)),
       EXISTS (SELECT FROM locked), {more},
       seat.id, seat.task_id, chosen.leased_until, place.kind, place.kind_settings::text,
       json_build_object('system', prompt.system, 'conversation', prompt.conversation,
                         'language', prompt.language)::text,
       (SELECT json_agg(json_build_object('id', response.id, 'content', response.content)
                        ORDER BY shown.position)::text
        FROM unnest(seat.shown_order) WITH ORDINALITY AS shown (id, position)
        JOIN annotate_response response ON response.id = shown.id),
       (SELECT draft.value::text FROM annotate_draft draft
        WHERE draft.seat_id = seat.id AND draft.annotator_id + 0 = %(user)s)
FROM place
LEFT JOIN chosen ON true
LEFT JOIN annotate_seat seat ON seat.id = chosen.id
LEFT JOIN annotate_task task ON task.id = seat.task_id
LEFT JOIN annotate_prompt prompt ON prompt.id = task.prompt_id
"""

# The two lanes, {window} rows of each. A window without a free seat moves its cursor to its end.
LANES = """
reopened_window AS MATERIALIZED (
    SELECT seat.id, seat.task_id, seat.reopened_key
    FROM person CROSS JOIN LATERAL (
        SELECT seat.id, seat.task_id, seat.reopened_key
        FROM annotate_seat seat
        WHERE seat.project_id = %(project)s AND seat.state = 'open'
          AND seat.reopened_key IS NOT NULL AND seat.reopened_key > person.reopened_cursor
        ORDER BY seat.reopened_key LIMIT {window}
    ) seat
), from_reopened AS MATERIALIZED (
    SELECT seat.id, near.reopened_key
    FROM reopened_window near JOIN annotate_seat seat ON seat.id = near.id
    WHERE seat.state = 'open' AND {free_near}
    ORDER BY near.reopened_key LIMIT 1
    FOR UPDATE OF seat SKIP LOCKED
), queue_window AS MATERIALIZED (
    SELECT seat.id, seat.task_id, seat.queue_key
    FROM person CROSS JOIN LATERAL (
        SELECT seat.id, seat.task_id, seat.queue_key
        FROM annotate_seat seat
        WHERE seat.project_id = %(project)s AND seat.state = 'open'
          AND seat.queue_key > person.queue_cursor
        ORDER BY seat.queue_key, seat.id LIMIT {window}
    ) seat
    WHERE NOT EXISTS (SELECT FROM from_reopened)
), from_queue AS MATERIALIZED (
    SELECT seat.id, near.queue_key
    FROM queue_window near JOIN annotate_seat seat ON seat.id = near.id
    WHERE seat.state = 'open' AND {free_near}
    ORDER BY near.queue_key, near.id LIMIT 1
    FOR UPDATE OF seat SKIP LOCKED
), picked AS (
    SELECT id FROM from_reopened UNION ALL SELECT id FROM from_queue
)
"""

# Every open seat, waiting for those that are locked. Leaves the cursors at both ends.
ANY_SEAT = """
picked AS MATERIALIZED (
    SELECT seat.id
    FROM annotate_seat seat, person
    WHERE seat.project_id = %(project)s AND seat.state = 'open' AND {free_seat}
    ORDER BY seat.queue_key, seat.id LIMIT 1
    FOR UPDATE OF seat
)
"""

LAST_QUEUE_KEY = """(
    SELECT max(seat.queue_key) FROM annotate_seat seat
    WHERE seat.project_id = %(project)s AND seat.state = 'open')"""
LAST_REOPENED_KEY = """(
    SELECT max(seat.reopened_key) FROM annotate_seat seat
    WHERE seat.project_id = %(project)s AND seat.state = 'open'
      AND seat.reopened_key IS NOT NULL)"""


def _take(window: int) -> str:
    return FRAME.format(
        more=f"(SELECT count(*) = {window} FROM reopened_window)"
        f" OR (SELECT count(*) = {window} FROM queue_window)",
        worth_moving="EXISTS (SELECT FROM reopened_window) OR EXISTS (SELECT FROM queue_window)",
        search=LANES.format(window=window, free_near=FREE_FOR_USER.format(seat="near")).strip(),
        queue_cursor="""coalesce(
            (SELECT queue_key FROM from_queue),
            (SELECT max(queue_key) FROM queue_window), person.queue_cursor)""",
        reopened_cursor="""coalesce(
            (SELECT reopened_key FROM from_reopened),
            (SELECT max(reopened_key) FROM reopened_window), person.reopened_cursor)""",
    )


# Tried in turn, and the last again and again: most hand-outs end with the first.
TAKES = [_take(window) for window in (16, 512, 16_384)]

TAKE_ANY = FRAME.format(
    more="false",
    worth_moving="true",
    search=ANY_SEAT.format(free_seat=FREE_FOR_USER.format(seat="seat")).strip(),
    queue_cursor=f"""CASE WHEN EXISTS (SELECT FROM picked) THEN person.queue_cursor
            ELSE coalesce({LAST_QUEUE_KEY}, person.queue_cursor) END""",
    reopened_cursor=f"""CASE WHEN EXISTS (SELECT FROM picked) THEN person.reopened_cursor
            ELSE coalesce({LAST_REOPENED_KEY}, person.reopened_cursor) END""",
)

REOPEN = """
UPDATE annotate_seat
SET state = 'open', annotator_id = NULL, leased_at = NULL, leased_until = NULL,
    reopened_key = nextval('annotate_seat_reopened_key')
"""

REOPEN_EXPIRED = """
UPDATE annotate_seat
SET state = 'open', leased_at = NULL, leased_until = NULL,
    reopened_key = nextval('annotate_seat_reopened_key'),
    former_holders = array_append(array_remove(former_holders, annotator_id::bigint),
                                  annotator_id::bigint),
    annotator_id = NULL
WHERE id IN (
    SELECT id FROM annotate_seat
    WHERE state = 'leased' AND leased_until < statement_timestamp()
      AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
    ORDER BY leased_until LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
"""

RELEASE_ONE = REOPEN + "WHERE id = %(seat)s AND state = 'leased' AND annotator_id = %(user)s"
RELEASE_ALL = (
    REOPEN + "WHERE project_id = %(project)s AND state = 'leased' AND annotator_id = %(user)s"
)
