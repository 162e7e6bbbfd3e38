"""Prints a link that signs a user in once, for whoever lost the password or never had one."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.people.accounts import base_url, make_sign_in_link


class Command(BaseCommand):
    """`manage.py sign_in_link USER`."""

    help = "Print a link that signs USER in once within a day; it replaces an earlier unused one."

    def add_arguments(self, parser: CommandParser) -> None:
        """USER, and where the dashboard is reached if the settings don't say it."""
        parser.add_argument("user", metavar="USER", help="user name")
        parser.add_argument(
            "--base-url",
            default=base_url(),
            help="address people open the dashboard at (default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the link alone, so that scripts can use it."""
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(
                f"There is no user {options['user']!r}. `manage.py add_user` makes one."
            )
        if not user.is_active:
            raise CommandError(f"The user {options['user']!r} is switched off.")
        self.stdout.write(make_sign_in_link(user, options["base_url"]))
