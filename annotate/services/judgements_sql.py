"""The statements of a submit; annotate/services/judgements.py tells what they do and why.

`+ 0` keeps an annotator's rows from being walked through: see annotate/handout_sql.py.
"""

# All that decides what a submit means, from one snapshot. No row: no such seat, or a stranger.
LOOK = """
SELECT seat.project_id, seat.task_id, seat.state, seat.annotator_id = %(user)s,
       %(user)s = ANY(seat.former_holders), seat.shown_order,
       project.kind, project.kind_settings::text,
       (SELECT held.id FROM annotate_seat held
        WHERE held.task_id = seat.task_id AND held.annotator_id + 0 = %(user)s
          AND held.state = 'leased'),
       (SELECT given.id FROM annotate_judgement given
        WHERE given.task_id = seat.task_id AND given.annotator_id + 0 = %(user)s
          AND NOT EXISTS (SELECT FROM annotate_judgement later
                          WHERE later.supersedes_id = given.id)),
       (SELECT same.id FROM annotate_judgement same
        WHERE same.annotator_id + 0 = %(user)s AND same.idempotency_key = %(key)s
          AND same.idempotency_key <> '')
FROM annotate_seat seat
JOIN annotate_project project ON project.id = seat.project_id AND project.archived_at IS NULL
JOIN annotate_membership membership
  ON membership.project_id = seat.project_id AND membership.user_id = %(user)s
WHERE seat.id = %(seat)s
"""

# The membership is the person's lock (see annotate/handout.py): `person` is empty when another
# request of the same person came between, and then nothing is written.
WRITE = """
WITH seen AS MATERIALIZED (
    SELECT membership.id, membership.xmin AS version FROM annotate_membership membership
    WHERE membership.project_id = %(project)s AND membership.user_id = %(user)s
), locked AS MATERIALIZED (
    SELECT membership.id, membership.xmin AS version
    FROM annotate_membership membership JOIN seen ON seen.id = membership.id
    FOR NO KEY UPDATE OF membership
), person AS MATERIALIZED (
    SELECT locked.id FROM locked JOIN seen USING (id, version)
    WHERE NOT EXISTS (
        SELECT FROM annotate_judgement given
        WHERE given.task_id = %(task)s AND given.annotator_id + 0 = %(user)s
          AND given.supersedes_id IS NULL)
), {seat}, written AS (
    INSERT INTO annotate_judgement (
        project_id, task_id, kind, schema_version, value, rationale, flag, source, simulated,
        annotator_id, imported_author, seat_id, shown_order, late, seconds_active, started_at,
        submitted_at, idempotency_key)
    SELECT %(project)s, %(task)s, %(kind)s, %(schema)s, %(value)s, %(rationale)s, %(flag)s,
           'person', author.is_simulated, author.id, '', answered.id, answered.shown_order,
           {late}, %(seconds)s, %(started)s, statement_timestamp(), %(key)s
    FROM answered JOIN annotate_user author ON author.id = %(user)s
    RETURNING id, submitted_at, simulated
), counted AS (
    UPDATE annotate_membership membership SET done_count = done_count + 1
    FROM person, written WHERE membership.id = person.id
), cleared AS (
    DELETE FROM annotate_draft draft USING written
    WHERE draft.seat_id = %(seat)s AND draft.annotator_id + 0 = %(user)s
)
SELECT id, submitted_at, simulated FROM written
"""

# The seat is still mine, though perhaps its time is over, or it is free and was mine.
ANSWER_SEAT = WRITE.format(
    seat="""answered AS (
    UPDATE annotate_seat seat
    SET state = 'done', annotator_id = %(user)s, reopened_key = NULL
    FROM person
    WHERE seat.id = %(seat)s
      AND ((seat.state = 'leased' AND seat.annotator_id + 0 = %(user)s)
           OR (seat.state = 'open' AND %(user)s = ANY(seat.former_holders)))
    RETURNING seat.id, seat.shown_order
)""",
    late="false",
)

# The seat was mine and has gone to somebody else, or is wanted no more.
ANSWER_LATE = WRITE.format(
    seat="""answered AS MATERIALIZED (
    SELECT seat.id, seat.shown_order FROM annotate_seat seat, person
    WHERE seat.id = %(seat)s AND %(user)s = ANY(seat.former_holders)
      AND seat.state IN ('leased', 'done', 'void')
)""",
    late="true",
)
