"""The Celery application: two queues, and a broker that only wakes people up.

Jobs are rows (see `annotate.models.Job`); a message carries a row's id. Messages are
acknowledged early and may be lost: the sweep finds every row that is due.
"""

import os
from pathlib import Path

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _filesystem_transport(folder: Path) -> dict:
    """Options of kombu's filesystem transport; makes its folders."""
    queue, control = folder / "queue", folder / "control"
    for path in (queue, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(control),
        "store_processed": False,
    }


app = Celery("tandem")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
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
        "sweep": {"task": "annotate.tasks.sweep", "schedule": 10.0},
        "run-due-schedules": {"task": "training.tasks.run_due_schedules", "schedule": 10.0},
    },
)
if settings.CELERY_BROKER_URL.startswith("filesystem://"):
    app.conf.broker_transport_options = _filesystem_transport(settings.VAR_DIR / "broker")
app.autodiscover_tasks()
