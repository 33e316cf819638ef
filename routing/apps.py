from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from annotate import suggestions
        from annotate.services.workers import register_reason
        from routing.judges import openai, panel, register, rules, simulated, systemone
        from routing.models import JudgeRun
        from routing.services.proposing import proposals
        from routing.services.waiting import why_judge_waits

        for module in (openai, panel, rules, simulated, systemone):
            register(module.KIND)
        suggestions.register(proposals)
        register_reason(JudgeRun, why_judge_waits)
