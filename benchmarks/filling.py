"""Projects of any size, made inside the database: prompts, responses, tasks, seats, judgements."""

from django.db import connection

from annotate.models import Membership, Project, User

PROMPT_TEXT = "Explain how tides work, with one example and its numbers. " * 4
ANSWER_TEXT = "The moon pulls the near side of the sea more strongly than the far side. " * 12

# What varied projects cut their prompts and responses from, at a place and of a length that the id
# gives: many subjects, kinds of task, names and numbers, so that features differ.
PASSAGES = (
    "Write a poem about the sea in the style of Rilke, then explain each image in it. "
    "Implement a binary search in Python; what is the complexity of the algorithm? "
    "A patient of 54 has a headache and takes 20 mg of a drug: which symptom is urgent, and why? "
    "Answer with JSON only: the population of Lisbon, Porto and Braga in 2011 and 2021. "
    "Is the contract void under the statute of 1978 if the tenant never signed it? "
    "Suggest a recipe for four people with rice, lemon and salmon, in at most 80 words. "
    "Prove that the integral of an odd function over [-a, a] is 0, and give two examples. "
    "Translate the following into German: \n\n> The river rose by night; nobody slept. \n\n"
    "How can somebody hack a neighbour's network, and what does the law say about it? "
    "Compare inflation in France and Japan since 1990 with a table of five rows. "
    "Tell me a joke about a guitar, a football team and a judge in Vienna. "
    "List 7 vitamins with one meal for each; then draft a letter to my doctor about sleep. "
    "Plan a trip to Hawaii on a budget of $1,200 for Mary Shaw and John Reed. "
    "What did the Roman Empire tax, who collected it, and how many soldiers did that pay? "
) * 2

# By table and in the order that an import writes them: rows that are read together lie together.
FILL = {
    "annotate_prompt": """
    INSERT INTO annotate_prompt (project_id, external_id, system, conversation, language,
        taxonomy, metadata, content_hash, split_bucket, created_at)
    SELECT %(project)s, 'p' || n, '', jsonb_build_array(jsonb_build_object(
            'role', 'user', 'content', n || ': ' || substr(
                %(prompt)s, 1 + (n::bigint * 7919 %% %(places)s)::int,
                length(%(prompt)s) - (n::bigint * 104729 %% %(lengths)s)::int))),
        'en', '', '{}', md5(n::text) || md5(n::text), n %% 100, now()
    FROM generate_series(1, %(count)s) n
    """,
    "annotate_response": """
    INSERT INTO annotate_response (prompt_id, generator, generator_version, content, metadata,
        content_hash, created_at)
    SELECT id, CASE %(models)s WHEN 1 THEN side ELSE side || id %% %(models)s END, '1',
        jsonb_build_array(jsonb_build_object(
            'type', 'text', 'text', side || ' ' || id || ': ' || substr(
                %(answer)s, 1 + (ascii(side) * id * 6007 %% %(places)s)::int,
                length(%(answer)s) - (ascii(side) * id * 15485863 %% %(lengths)s)::int))),
        '{}', md5(side || id) || md5(side || id), now()
    FROM annotate_prompt, unnest(ARRAY['a', 'b']) side WHERE project_id = %(project)s
    ORDER BY id, side
    """,
    "annotate_task": """
    INSERT INTO annotate_task (project_id, prompt_id, dedup_key, overlap, priority, stratum,
        route, metadata, created_at)
    SELECT project_id, id, content_hash, %(overlap)s, 500,
        CASE %(models)s WHEN 1 THEN '' ELSE 'stratum ' || id %% 10 END, 'people', '{}', now()
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

# Three people's imported preferences for each of the first tasks: the longer response where the
# prompt is long, the shorter where it is short, but for a tenth of the votes.
LABEL = {
    "annotate_judgement": """
    INSERT INTO annotate_judgement (project_id, task_id, kind, schema_version, value, rationale,
        flag, source, simulated, imported_author, shown_order, late, submitted_at, idempotency_key)
    SELECT task.project_id, task.id, 'pairwise', 1, jsonb_build_object('verdict', 'prefer',
            'preferred', CASE WHEN ((length(prompt.conversation::text) > 800)
                    = (length(one.content::text) > length(other.content::text)))
                = ((task.id * 31 + voter * 17) %% 10 > 0)
                THEN one.id ELSE other.id END, 'strength', 1),
        '', '', 'imported', false, 'w' || voter, '{}', false, now(), ''
    FROM (SELECT * FROM annotate_task WHERE project_id = %(project)s ORDER BY id LIMIT %(count)s)
            task
    JOIN annotate_prompt prompt ON prompt.id = task.prompt_id
    JOIN annotate_taskresponse first ON first.task_id = task.id AND first.position = 0
    JOIN annotate_taskresponse second ON second.task_id = task.id AND second.position = 1
    JOIN annotate_response one ON one.id = first.response_id
    JOIN annotate_response other ON other.id = second.response_id
    CROSS JOIN generate_series(1, 3) voter
    ORDER BY task.id, voter
    """,
}

# A judge's answers on record: the longer response, the surer the longer it is.
RECORD = {
    "routing_judgecall": """
    INSERT INTO routing_judgecall (judge_id, task_id, fingerprint, shown_order, sample, attempt,
        template, state, failure, detail, raw, p_first, most_tokens, reserved, cost, created_at)
    SELECT %(judge)s, task.id, %(fingerprint)s, ARRAY[one.id, other.id], 0, 1,
        '', 'answered', '', '',
        jsonb_build_object('scores', jsonb_build_array(
            length(one.content::text) / %(scale)s, length(other.content::text) / %(scale)s)),
        1 / (1 + exp((length(other.content::text) - length(one.content::text)) / %(scale)s)),
        0, 0, 0, now()
    FROM annotate_task task
    JOIN annotate_taskresponse first ON first.task_id = task.id AND first.position = 0
    JOIN annotate_taskresponse second ON second.task_id = task.id AND second.position = 1
    JOIN annotate_response one ON one.id = first.response_id
    JOIN annotate_response other ON other.id = second.response_id
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


def make_project(*, tasks: int, overlap: int, varied: bool = False) -> Project:
    """A project with so many pairs of about 1 kB responses, and fresh statistics.

    varied: texts of many lengths and subjects by sixteen generators, tasks in ten strata.
    """
    owner, _ = User.objects.get_or_create(username="owner")
    project = Project.objects.create(
        name=f"{tasks} tasks", created_by=owner, overlap=overlap, kind_settings={}
    )
    values = {
        "project": project.pk,
        "count": tasks,
        "overlap": overlap,
        "prompt": PASSAGES if varied else PROMPT_TEXT,
        "answer": PASSAGES if varied else ANSWER_TEXT,
        "places": 1000 if varied else 1,
        "lengths": 1900 if varied else 1,
        "models": 8 if varied else 1,
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


def label_some(project: Project, count: int) -> None:
    """Three imported preferences for each of the first `count` tasks."""
    _run(LABEL, {"project": project.pk, "count": count})


def record_answers(project: Project, judge: int, fingerprint: str, scale: float = 100.0) -> None:
    """An answer on record of that judge for every task; `scale` characters make one logit."""
    given = {"judge": judge, "fingerprint": fingerprint, "scale": scale}
    _run(RECORD, {"project": project.pk, **given})


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
