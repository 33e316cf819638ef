"""`python -m config.prepare`: bring the database up to the code, once before serving.

Applies pending migrations, collects static files and compiles translations when a source changed,
and runs the first-run set-up (which does nothing the second time).
"""

import io
import os
import sys
import time

import django

EVERY = 5  # seconds between two lines about migrations


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command, get_commands
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    from config.static import collect_if_changed
    from config.translations import compile_changed

    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        print(f"Error: the database does not answer: {error}Check DATABASE_URL.", file=sys.stderr)
        return 1
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        print(f"applying {len(pending)} migrations", flush=True)
        call_command("migrate", interactive=False, no_color=True, stdout=Applied(len(pending)))
    if collect_if_changed():
        print("collected the static files", flush=True)
    if languages := compile_changed(settings.LOCALE_PATHS[0]):
        print(f"compiled the translations: {', '.join(languages)}", flush=True)
    if "setup_first_run" in get_commands():
        call_command("setup_first_run")
    return 0


class Applied(io.TextIOBase):
    """What `migrate` prints goes here; a line now and then tells how far it is."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0
        self.began = self.told = time.monotonic()

    def write(self, text: str) -> int:
        self.done += text.rstrip().endswith(" OK")
        now = time.monotonic()
        if now - self.told >= EVERY and self.done < self.count:
            self.told = now
            taken = now - self.began
            print(f"… {self.done} of {self.count} migrations ({taken:.0f} s)", flush=True)
        return len(text)


if __name__ == "__main__":
    sys.exit(main())
