from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Makes the Celery application current in every process that uses Django."""

    name = "config"

    def ready(self) -> None:
        from config.celery import app

        app.set_default()
