"""Makes a member of the team, who comes in by a one-time link and sets a password then."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from apps.people.accounts import base_url, make_sign_in_link


class Command(BaseCommand):
    """`manage.py add_user NAME`."""

    help = (
        "Make a user without a password and print a link that signs them in once within a day. "
        "Where projects adopt themselves (ADOPT=auto), they are a contributor of each of these."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, what else is known, and where the dashboard is reached."""
        parser.add_argument("name", metavar="NAME", help="user name: letters, digits and @ . + - _")
        parser.add_argument("--email", default="", help="may be used to sign in, too")
        parser.add_argument("--staff", action="store_true", help="may connect AWS accounts")
        parser.add_argument(
            "--base-url",
            default=base_url(),
            help="address people open the dashboard at (default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the link alone, so that scripts can use it."""
        users = get_user_model()
        name, email = options["name"].strip(), options["email"].strip()
        if users.objects.filter(username__iexact=name).exists():
            raise CommandError(
                f"There is a user {name!r} already. `manage.py sign_in_link {name}` lets them in."
            )
        if email and users.objects.filter(email__iexact=email).exists():
            raise CommandError(f"Somebody else has the address {email!r}.")
        user = users(username=name, email=email, is_staff=options["staff"])
        user.set_unusable_password()
        try:
            user.full_clean()
            with transaction.atomic():
                user.save()
        except ValidationError as error:
            wrong = "; ".join(
                f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()
            )
            raise CommandError(f"No user was made. {wrong}") from None
        except IntegrityError:
            raise CommandError(f"Somebody made a user {name!r} at this very moment.") from None
        self.stdout.write(make_sign_in_link(user, options["base_url"]))
