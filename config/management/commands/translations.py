"""`manage.py translations`: bring the catalogues up to the sources; `--check` only looks."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import translations


class Command(BaseCommand):
    help = "Collect the interface's words into locale/, tell what is untranslated, and compile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing in locale/; fail when a word is missing, fuzzy or wrong",
        )

    def handle(self, *, check: bool, **options: object) -> None:
        messages = translations.extract()
        lacking = 0
        for language in translations.languages():
            if not check and translations.update_catalogue(language, messages):
                self.stdout.write(f"{translations.catalogue_path(language)}: updated")
            found = translations.problems(language, messages)
            for line in found:
                self.stdout.write(f"{language}: {line}")
            self.stdout.write(f"{language}: {len(messages)} messages, {len(found)} to be done")
            lacking += len(found)
        translations.compile_changed(settings.LOCALE_PATHS[0])
        if check and lacking:
            raise CommandError(
                f"{lacking} messages to be done. Run manage.py translations, then translate what "
                "it lists; see docs/translating.md."
            )
