from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from routing.judges import openai, register

        for module in (openai,):
            register(module.KIND)
