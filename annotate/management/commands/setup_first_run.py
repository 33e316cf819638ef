"""An administrator, a demo annotator and the demo project, made at the very first start."""

import secrets

from django.core.management.base import BaseCommand
from django.db import transaction

from annotate.demo.project import make_demo_project
from annotate.models import User
from annotate.services.people.members import add_member

GROUPS = 4


class Command(BaseCommand):
    help = (
        "Makes an administrator and a demo annotator with random passwords, printed once, and "
        "the demo project. Does nothing if there is any user."
    )

    @transaction.atomic
    def handle(self, *args, **options) -> None:
        if User.objects.exists():
            return
        admin_password, annotator_password = _password(), _password()
        admin = User.objects.create_superuser("admin", password=admin_password)
        annotator = User.objects.create_user("annotator", password=annotator_password)
        project = make_demo_project(owner=admin)
        add_member(project=project, user=annotator, role="annotator", actor=admin)
        tasks = project.tasks.count()
        self.stdout.write(
            "First start. These passwords are shown once; keep them:\n"
            f"    admin      {admin_password}\n"
            f"    annotator  {annotator_password}\n"
            f"Made “{project.name}” with {tasks} tasks.\n"
            "A lost password: manage.py changepassword admin"
        )


def _password() -> str:
    """99 bits, in groups that can be typed."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    groups = ["".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(GROUPS)]
    return "-".join(groups)
