"""Make an API token."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import Project, User
from annotate.services.people.tokens import issue_token


class Command(BaseCommand):
    help = "Make an API token for a user and print its secret, which is shown this once."

    def add_arguments(self, parser) -> None:
        parser.add_argument("user", help="the user name")
        parser.add_argument(
            "--scopes",
            required=True,
            help="what it may do, comma-separated: read, annotate, manage",
        )
        parser.add_argument("--days", type=int, help="valid for so many days; for ever if left out")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument(
            "--project", type=int, help="good for this project alone, by id; for all if left out"
        )

    def handle(self, *args, **options) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(
                f"There is no user {options['user']!r}. "
                "Make one first: manage.py createsuperuser, or in the admin under Users."
            )
        expires_at = None
        if options["days"] is not None:
            if not 1 <= options["days"] <= 36_500:
                raise CommandError("--days must be a number from 1 to 36500.")
            expires_at = timezone.now() + timedelta(days=options["days"])
        project = None
        if options["project"] is not None:
            there = Project.objects.live().visible_to(user)
            project = there.filter(pk=options["project"]).first()
            if project is None:
                raise CommandError(
                    f"{user.username} has no project {options['project']}; there are: "
                    f"{', '.join(f'{one.pk} ({one.name})' for one in there[:10])}."
                )
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        try:
            _, secret = issue_token(
                user=user,
                scopes=scopes,
                name=options["name"],
                expires_at=expires_at,
                project=project,
            )
        except InvalidValue as error:
            raise CommandError(f"--{error}") from error
        self.stdout.write(secret)
