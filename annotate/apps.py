from django.apps import AppConfig


class AnnotateConfig(AppConfig):
    name = "annotate"

    def ready(self) -> None:
        from annotate.models import ImportRun
        from annotate.services.incoming.events import tell_import_run_ended
        from annotate.services.jobs import register_ending

        register_ending(ImportRun, tell_import_run_ended)
