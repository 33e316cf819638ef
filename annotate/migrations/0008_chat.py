"""Live conversations with models. What was said stays: see annotate/models/chat.py."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
CREATE TRIGGER annotate_chatsession_append_only BEFORE UPDATE OR DELETE ON annotate_chatsession
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_chatturn_append_only BEFORE UPDATE OR DELETE ON annotate_chatturn
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_chatreply_kept BEFORE DELETE ON annotate_chatreply
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_chatreply_ended BEFORE UPDATE ON annotate_chatreply
    FOR EACH ROW WHEN (OLD.state <> 'streaming' OR OLD.turn_id <> NEW.turn_id
                       OR OLD.letter <> NEW.letter OR OLD.model_id <> NEW.model_id)
    EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_chatmodel_kept BEFORE DELETE ON annotate_chatmodel
    FOR EACH ROW EXECUTE FUNCTION tandem_refuse_change();
CREATE TRIGGER annotate_chatmodel_fixed BEFORE UPDATE ON annotate_chatmodel
    FOR EACH ROW WHEN ((OLD.project_id, OLD.name, OLD.base_url, OLD.model, OLD.key_name,
                        OLD.parameters)
                       IS DISTINCT FROM (NEW.project_id, NEW.name, NEW.base_url, NEW.model,
                                         NEW.key_name, NEW.parameters))
    EXECUTE FUNCTION tandem_refuse_change();
"""

UNGUARD = """
DROP TRIGGER annotate_chatmodel_fixed ON annotate_chatmodel;
DROP TRIGGER annotate_chatmodel_kept ON annotate_chatmodel;
DROP TRIGGER annotate_chatreply_ended ON annotate_chatreply;
DROP TRIGGER annotate_chatreply_kept ON annotate_chatreply;
DROP TRIGGER annotate_chatturn_append_only ON annotate_chatturn;
DROP TRIGGER annotate_chatsession_append_only ON annotate_chatsession;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("annotate", "0007_references"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChatModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="For managers and exports.", max_length=100)),
                (
                    "base_url",
                    models.CharField(
                        help_text="Such as https://api.example.com/v1.", max_length=500
                    ),
                ),
                ("model", models.CharField(help_text="As the address calls it.", max_length=200)),
                ("key_name", models.CharField(blank=True, max_length=50)),
                (
                    "parameters",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Sent along with every request, such as temperature.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chat_models",
                        to="annotate.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChatSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "model_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "annotator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chat_sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chat_sessions",
                        to="annotate.project",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chat_sessions",
                        to="annotate.task",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChatTurn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(help_text="From 0 within the session."),
                ),
                ("message", models.TextField()),
                ("verdict", models.JSONField(default=dict)),
                ("follows", models.CharField(blank=True, max_length=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "session",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="turns",
                        to="annotate.chatsession",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChatReply",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("letter", models.CharField(max_length=1)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("streaming", "Streaming"),
                            ("done", "Done"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                        ],
                        default="streaming",
                        max_length=10,
                    ),
                ),
                ("text", models.TextField(blank=True)),
                ("stop_asked", models.BooleanField(default=False)),
                (
                    "failure",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("busy", "No line was free on this server"),
                            ("rate_limited", "Too many requests (429)"),
                            ("refused", "The request was refused (4xx)"),
                            ("server_error", "The model's server failed (5xx)"),
                            ("unreachable", "No connection"),
                            ("timed_out", "Nothing came in time"),
                            ("broken_off", "The reply broke off"),
                            ("malformed", "The reply could not be read"),
                            ("empty", "The reply was empty"),
                            ("interrupted", "This server was interrupted"),
                        ],
                        max_length=16,
                    ),
                ),
                ("detail", models.CharField(blank=True, help_text="For managers.", max_length=500)),
                (
                    "retry_after",
                    models.PositiveIntegerField(
                        blank=True, help_text="Seconds that a 429 asked to wait.", null=True
                    ),
                ),
                ("finish_reason", models.CharField(blank=True, max_length=50)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("first_text_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("prompt_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("completion_tokens", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replies",
                        to="annotate.chatmodel",
                    ),
                ),
                (
                    "turn",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replies",
                        to="annotate.chatturn",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="chatmodel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at", None)),
                fields=("project", "name"),
                name="chat_model_name_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="chat_model_name_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(("model", ""), _negated=True), name="chat_model_model_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(("base_url__regex", "^https?://[^/]")),
                name="chat_model_url_http",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatsession",
            constraint=models.UniqueConstraint(
                fields=("task", "annotator"), name="chat_session_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatsession",
            constraint=models.CheckConstraint(
                condition=models.Q(("model_ids__len__gte", 1), ("model_ids__len__lte", 4)),
                name="chat_session_model_count",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatturn",
            constraint=models.UniqueConstraint(
                fields=("session", "number"), name="chat_turn_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("message", ""), _negated=True), name="chat_turn_message_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatturn",
            constraint=models.CheckConstraint(
                condition=models.Q(("follows__in", ["", "A", "B", "C", "D"])),
                name="chat_turn_follows_known",
            ),
        ),
        migrations.AddIndex(
            model_name="chatreply",
            index=models.Index(
                condition=models.Q(("state", "streaming")),
                fields=["heartbeat_at"],
                name="chat_reply_running",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.UniqueConstraint(
                fields=("turn", "letter", "attempt"), name="chat_reply_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["streaming", "done"]),
                    models.Q(("state", "stopped"), models.Q(("text", ""), _negated=True)),
                    _connector="OR",
                ),
                fields=("turn", "letter"),
                name="chat_reply_one_stands",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.CheckConstraint(
                condition=models.Q(("letter__in", ["A", "B", "C", "D"])),
                name="chat_reply_letter_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["streaming", "done", "stopped", "failed"])),
                name="chat_reply_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "failed"), models.Q(("failure", ""), _negated=True)),
                    models.Q(models.Q(("state", "failed"), _negated=True), ("failure", "")),
                    _connector="OR",
                ),
                name="chat_reply_failure_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "failure__in",
                        [
                            "",
                            "busy",
                            "rate_limited",
                            "refused",
                            "server_error",
                            "unreachable",
                            "timed_out",
                            "broken_off",
                            "malformed",
                            "empty",
                            "interrupted",
                        ],
                    )
                ),
                name="chat_reply_failure_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatreply",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("state", "streaming")),
                    models.Q(
                        models.Q(("state", "streaming"), _negated=True),
                        ("finished_at__gte", models.F("started_at")),
                    ),
                    _connector="OR",
                ),
                name="chat_reply_end_complete",
            ),
        ),
        migrations.RunSQL(GUARDS, UNGUARD),
    ]
