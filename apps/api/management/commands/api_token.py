"""`manage.py api_token`: gives a program a token to read the API with, or takes it away."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from apps.api.models import ApiToken


class Command(BaseCommand):
    """Print a new token alone on stdout; everything else goes to stderr."""

    help = "Print a new API token for a user, or revoke one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the token's name and whose it is."""
        parser.add_argument("name", help="what uses it, e.g. wallboard")
        parser.add_argument("--user", help="whose rights it has")
        parser.add_argument(
            "--replace", action="store_true", help="make a new token under a name that is taken"
        )
        parser.add_argument("--revoke", action="store_true", help="make it useless at once")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make, replace or revoke; exit code 1 with what to do on stderr."""
        name = options["name"].strip()
        if not name or len(name) > 64:
            raise CommandError("A token's name has 1 to 64 characters.")
        found = ApiToken.objects.filter(name=name).first()
        if options["revoke"]:
            self._revoke(name, found)
            return
        if not options["user"]:
            raise CommandError("Say whose rights the token has: --user USER")
        user = self._user(options["user"])
        if found is not None and found.revoked_at is None and not options["replace"]:
            raise CommandError(
                f"A token named {name} exists ({found.prefix}…, of {found.user}). Choose another "
                "name, or add --replace: the old token stops working then."
            )
        token_row = found or ApiToken(name=name)
        token_row.user = user
        token = token_row.renew()
        token_row.save()
        self.stdout.write(token)

    def _revoke(self, name: str, found: ApiToken | None) -> None:
        if found is None:
            known = ", ".join(
                ApiToken.objects.filter(revoked_at=None).values_list("name", flat=True)
            )
            raise CommandError(f"No token is named {name}. Known: {known or 'none'}")
        ApiToken.objects.filter(pk=found.pk, revoked_at=None).update(revoked_at=now())
        self.stderr.write(f"Revoked {name} ({found.prefix}…).")

    def _user(self, username: str) -> Any:
        user_model = get_user_model()
        user = user_model.objects.filter(**{user_model.USERNAME_FIELD: username}).first()
        if user is None:
            raise CommandError(
                f"No user is named {username}. Make one with: manage.py add_user, or use "
                "the name you sign in with."
            )
        if not user.is_active:
            raise CommandError(f"{username} is switched off and would be refused everywhere.")
        return user
