from django.apps import AppConfig

from config import sign_in


class PlatformConfig(AppConfig):
    """Makes the Celery application current in every process that uses Django, and keeps empty
    tables out of the admin.
    """

    name = "config"

    def ready(self) -> None:
        from config.celery import app

        app.set_default()
        sign_in.hide_tables()
