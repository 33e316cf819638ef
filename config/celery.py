"""The Celery application: three queues, and a broker that only wakes people up.

Jobs are rows (see `annotate.models.Job`); a message carries a row's id. Messages are
acknowledged early and may be lost: the sweep finds every row that is due.
"""

import os

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init
from django.conf import settings

from config import broker, interpreter
from config.lifetime import end_group_when_orphaned

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

ORPHAN_GRACE = 15.0  # seconds for an orderly end

app = Celery("tandem")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    # A message is sent once, or by the next sweep: kombu would try for six seconds, and whoever
    # asked for the job would wait for their page.
    broker_transport_options={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
    task_ignore_result=True,
    task_default_queue="default",
    task_create_missing_queues=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    beat_max_loop_interval=5,
    beat_schedule={
        "sweep": {"task": "annotate.tasks.sweep", "schedule": 10.0, "options": {"expires": 60}},
        "fit-overlaps": {
            "task": "annotate.tasks.fit_overlaps",
            "schedule": 5.0,
            "options": {"expires": 60},
        },
        "tell-webhooks": {
            "task": "annotate.tasks.tell_webhooks",
            "schedule": 5.0,
            "options": {"expires": 60},
        },
        "remove-old-deliveries": {
            "task": "annotate.tasks.remove_old_deliveries",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "remove-old-signals": {
            "task": "annotate.tasks.remove_old_signals",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "advance-plans": {
            "task": "annotate.tasks.advance_plans",
            "schedule": 10.0,
            "options": {"expires": 60},
        },
        "start-due-routing": {
            "task": "routing.tasks.start_due_routing",
            "schedule": 30.0,
            "options": {"expires": 60},
        },
        "start-due-tagging": {
            "task": "routing.tasks.start_due_tagging",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "test-due-judges": {
            "task": "routing.tasks.test_due_judges",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "look-after-policies": {
            "task": "routing.tasks.look_after_policies",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "rank-due-tasks": {
            "task": "routing.tasks.rank_due_tasks",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "run-due-schedules": {
            "task": "training.tasks.run_due_schedules",
            "schedule": 10.0,
            "options": {"expires": 60},
        },
        "advance-loops": {
            "task": "training.tasks.advance_loops",
            "schedule": 10.0,
            "options": {"expires": 60},
        },
        "remove-expired-answers": {
            "task": "training.tasks.remove_expired_answers",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "compute-due-quality": {
            "task": "annotate.tasks.compute_due_quality",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "remove-uploads": {"task": "annotate.tasks.remove_uploads", "schedule": 3600.0},
        "forget-tries": {
            "task": "annotate.tasks.forget_tries",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "forget-kept-answers": {
            "task": "annotate.tasks.forget_kept_answers",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "delete-due-answers": {
            "task": "annotate.tasks.delete_due_answers",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "remove-leftovers": {
            "task": "training.tasks.remove_leftovers",
            "schedule": 3600.0,
            "options": {"queue": "serving", "expires": 3600},
        },
    },
)
if settings.CELERY_BROKER_URL.startswith(f"{broker.SCHEME}://"):
    app.conf.broker_transport_options |= broker.transport_options(settings.VAR_DIR / "broker")
    app.conf.worker_enable_remote_control = False  # its reply queues would pile up as files
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def follow_supervisor(**_: object) -> None:
    """Under the supervisor, never outlive it: an orderly end that hangs is cut short."""
    if os.environ.get("TANDEM_SUPERVISED") == "1":
        end_group_when_orphaned(ORPHAN_GRACE)


@worker_process_init.connect
def tune_interpreter(**_: object) -> None:
    interpreter.tune()
