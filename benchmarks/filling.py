"""Projects of any size, made inside the database: prompts, responses, tasks, seats, judgements."""

from django.db import connection

from annotate.models import Membership, Project, User

PROMPT_TEXT = "Explain how tides work, with one example and its numbers. " * 4
ANSWER_TEXT = "The moon pulls the near side of the sea more strongly than the far side. " * 12

# By table and in the order that an import writes them: rows that are read together lie together.
FILL = {
    "annotate_prompt": """
    INSERT INTO annotate_prompt (project_id, external_id, system, conversation, language,
        taxonomy, metadata, content_hash, split_bucket, created_at)
    SELECT %(project)s, 'p' || n, '', jsonb_build_array(jsonb_build_object(
            'role', 'user', 'content', n || ': ' || %(prompt)s)),
        'en', '', '{}', md5(n::text) || md5(n::text), n %% 100, now()
    FROM generate_series(1, %(count)s) n
    """,
    "annotate_response": """
    INSERT INTO annotate_response (prompt_id, generator, generator_version, content, metadata,
        content_hash, created_at)
    SELECT id, side, '1', jsonb_build_array(jsonb_build_object(
            'type', 'text', 'text', side || ' ' || id || ': ' || %(answer)s)),
        '{}', md5(side || id) || md5(side || id), now()
    FROM annotate_prompt, unnest(ARRAY['a', 'b']) side WHERE project_id = %(project)s
    ORDER BY id, side
    """,
    "annotate_task": """
    INSERT INTO annotate_task (project_id, prompt_id, dedup_key, overlap, priority, stratum,
        route, metadata, created_at)
    SELECT project_id, id, content_hash, %(overlap)s, 500, '', 'people', '{}', now()
    FROM annotate_prompt WHERE project_id = %(project)s ORDER BY id
    """,
    "annotate_taskresponse": """
    INSERT INTO annotate_taskresponse (task_id, response_id, position)
    SELECT task.id, response.id, row_number() OVER (PARTITION BY task.id ORDER BY response.id) - 1
    FROM annotate_task task JOIN annotate_response response USING (prompt_id)
    WHERE task.project_id = %(project)s ORDER BY task.id, response.id
    """,
    "annotate_seat": """
    INSERT INTO annotate_seat (task_id, project_id, number, state, shown_order, former_holders,
        queue_key)
    SELECT task.id, task.project_id, number, 'open',
        (SELECT array_agg(response_id ORDER BY response_id) FROM annotate_taskresponse place
         WHERE place.task_id = task.id),
        '{}', (500::bigint << 52) | task.id
    FROM annotate_task task, generate_series(0, task.overlap - 1) number
    WHERE task.project_id = %(project)s ORDER BY task.id, number
    """,
}

JUDGE = {
    "annotate_judgement": """
    INSERT INTO annotate_judgement (project_id, task_id, kind, schema_version, value, rationale,
        flag, source, simulated, imported_author, shown_order, late, submitted_at, idempotency_key)
    SELECT task.project_id, task.id, 'pairwise', 1, jsonb_build_object('verdict', 'prefer',
            'preferred', place.response_id, 'strength', 1 + task.id %% 3),
        '', '', 'imported', false, 'w' || task.id %% 100, '{}', false, now(), ''
    FROM annotate_task task JOIN annotate_taskresponse place
        ON place.task_id = task.id AND place.position = task.id %% 2
    WHERE task.project_id = %(project)s ORDER BY task.id
    """,
}

# The person sits, done, at the first seat of the first tasks; every sibling seat is still open.
DONE = {
    "annotate_seat": """
    WITH chosen AS (
        SELECT id FROM annotate_seat
        WHERE project_id = %(project)s AND number = 0 AND state = 'open'
        ORDER BY queue_key LIMIT %(count)s
    )
    UPDATE annotate_seat SET state = 'done', annotator_id = %(user)s
    FROM chosen WHERE annotate_seat.id = chosen.id
    """,
    "annotate_judgement": """
    INSERT INTO annotate_judgement (project_id, task_id, kind, schema_version, value, rationale,
        flag, source, simulated, annotator_id, imported_author, seat_id, shown_order, late,
        submitted_at, idempotency_key)
    SELECT project_id, task_id, 'pairwise', 1, '{"verdict": "tie"}', '', '', 'person', false,
        %(user)s, '', id, shown_order, false, now(), ''
    FROM annotate_seat WHERE project_id = %(project)s AND annotator_id = %(user)s
    """,
    "annotate_membership": """
    UPDATE annotate_membership SET done_count = %(count)s
    WHERE project_id = %(project)s AND user_id = %(user)s
    """,
}


def make_project(*, tasks: int, overlap: int) -> Project:
    """A project with so many pairs of about 1 kB responses, and fresh statistics."""
    owner, _ = User.objects.get_or_create(username="owner")
    project = Project.objects.create(
        name=f"{tasks} tasks", created_by=owner, overlap=overlap, kind_settings={}
    )
    values = {
        "project": project.pk,
        "count": tasks,
        "overlap": overlap,
        "prompt": PROMPT_TEXT,
        "answer": ANSWER_TEXT,
    }
    _run(FILL, values)
    return project


def add_annotator(project: Project, name: str) -> User:
    user, _ = User.objects.get_or_create(username=name)
    Membership.objects.create(project=project, user=user, role="annotator")
    return user


def mark_done(project: Project, user: User, count: int) -> None:
    """Let the person have judged the first `count` tasks."""
    _run(DONE, {"project": project.pk, "user": user.pk, "count": count})


def judge_all(project: Project) -> None:
    """One imported preference for every task."""
    _run(JUDGE, {"project": project.pk})


def _run(statements: dict[str, str], values: dict) -> None:
    """Without the checks of foreign keys, which the statements keep by themselves.

    Each statement is planned knowing what those before it wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET work_mem = '256MB'")
        for table, statement in statements.items():
            cursor.execute(statement, values)
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("RESET work_mem")
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")
