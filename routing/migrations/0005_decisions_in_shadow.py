"""A policy that was in shadow decides on the same tasks for real: unique with `shadow`.

The new index is built while people work; an interrupted build leaves an invalid one, dropped first.
"""

from django.db import migrations, models

from annotate.migrations import _patience

SWAP = """
ALTER TABLE routing_decision
    DROP CONSTRAINT decision_unique,
    ADD CONSTRAINT decision_unique UNIQUE USING INDEX decision_unique_new
"""
# Without `shadow` a task has one decision of a policy: that which was followed. The guard of the
# table refuses to delete, so it rests meanwhile, in this transaction alone.
SWAP_BACK = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE routing_decision DISABLE TRIGGER USER;
DELETE FROM routing_decision shadowed
WHERE shadow AND EXISTS (
    SELECT FROM routing_decision followed
    WHERE followed.task_id = shadowed.task_id AND followed.policy_id = shadowed.policy_id
        AND NOT followed.shadow);
ALTER TABLE routing_decision ENABLE TRIGGER USER;
ALTER TABLE routing_decision
    DROP CONSTRAINT decision_unique,
    ADD CONSTRAINT decision_unique UNIQUE (task_id, policy_id)
"""
STATE = [
    migrations.RemoveConstraint(model_name="decision", name="decision_unique"),
    migrations.AddConstraint(
        model_name="decision",
        constraint=models.UniqueConstraint(
            fields=("task", "policy", "shadow"), name="decision_unique"
        ),
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("annotate", "0015_references_counted"),
        ("routing", "0004_policies"),
    ]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS decision_unique_new", migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY decision_unique_new "
            "ON routing_decision (task_id, policy_id, shadow)",
            migrations.RunSQL.noop,
        ),
        _patience.RunSQL(SWAP, SWAP_BACK, state_operations=STATE),
    ]
