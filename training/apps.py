from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from routing.judges import register
        from training import density_ratio
        from training.judge import register_kind

        register_kind()
        register(density_ratio.KIND)
