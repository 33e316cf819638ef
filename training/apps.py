from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from routing.judges import register
        from training import boosting, density_ratio, encoders, reward_heads
        from training.judge import register_kind

        register_kind()
        encoders.register_library()
        reward_heads.register_heads()
        boosting.register_booster()
        register(density_ratio.KIND)
