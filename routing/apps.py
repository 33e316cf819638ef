from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from routing.judges import openai, panel, register, rules, simulated

        for module in (openai, panel, rules, simulated):
            register(module.KIND)
