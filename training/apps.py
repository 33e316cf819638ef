from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from annotate.services.jobs import register_ending
        from annotate.services.workers import register_reason
        from routing.judges import register
        from routing.pages.judge_forms import register_form
        from training import boosting, density_ratio, encoders, reward_heads
        from training.judge import register_kind
        from training.models import TrainingRun
        from training.pages.density_form import DensityRatioForm
        from training.services.events import tell_run_ended
        from training.services.waiting import HELD, why_training_waits

        register_kind()
        encoders.register_library()
        reward_heads.register_heads()
        boosting.register_booster()
        register(density_ratio.KIND)
        register_form(density_ratio.NAME, DensityRatioForm)
        register_ending(TrainingRun, tell_run_ended)
        for model in HELD:
            register_reason(model, why_training_waits)
