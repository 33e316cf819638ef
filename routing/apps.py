from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from annotate import suggestions
        from routing.judges import openai, panel, register, rules, simulated
        from routing.services.proposing import proposals

        for module in (openai, panel, rules, simulated):
            register(module.KIND)
        suggestions.register(proposals)
