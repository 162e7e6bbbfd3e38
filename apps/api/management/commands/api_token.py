"""`manage.py api_token`: gives a program a token to read the API with, or takes it away."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.api.models import ApiToken, Scope
from apps.api.token_forms import end_of
from apps.people.forms import one_line
from apps.projects.models import Project


class Command(BaseCommand):
    """Print a new token alone on stdout; everything else goes to stderr."""

    help = "Print a new API token for a user, revoke one, or list those there are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the token's name, whose it is, what it opens and for how long."""
        parser.add_argument("name", nargs="?", default="", help="what uses it, e.g. wallboard")
        parser.add_argument("--user", help="whose rights it has")
        parser.add_argument(
            "--scope", choices=Scope.values, default=Scope.READ.value, help="what it does"
        )
        parser.add_argument(
            "--project", help="the one project that it shows, by its place in addresses"
        )
        parser.add_argument(
            "--days", type=int, default=0, help="after how many days it ends (default: never)"
        )
        parser.add_argument(
            "--replace", action="store_true", help="make a new token under a name that is taken"
        )
        parser.add_argument("--revoke", action="store_true", help="make it useless at once")
        parser.add_argument("--list", action="store_true", help="list the tokens that open")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make, replace, revoke or list; exit code 1 with what to do on stderr."""
        user = self._user(options["user"]) if options["user"] else None
        if options["list"]:
            self._list(user)
            return
        name = one_line(options["name"])
        if not name or len(name) > 64:
            raise CommandError("A token's name has 1 to 64 characters.")
        if options["revoke"]:
            self._revoke(name, user)
            return
        if user is None:
            raise CommandError("Say whose rights the token has: --user USER")
        if not user.is_active:
            raise CommandError(f"{user} is switched off and would be refused everywhere.")
        if options["days"] < 0:
            raise CommandError("--days is a number of days from now, or left out for no end.")
        project = self._project(options["project"], user) if options["project"] else None
        self.stdout.write(self._make(name, user, project, options))

    def _make(self, name: str, user: Any, project: Any, options: dict[str, Any]) -> str:
        with transaction.atomic():
            found = ApiToken.objects.filter(name=name, user=user, revoked_at=None).first()
            if found is not None and not options["replace"]:
                raise CommandError(
                    f"A token named {name} exists ({found.prefix}…, of {user}). Choose another "
                    "name, or add --replace: the old token stops working then."
                )
            if found is not None:
                found.revoke()
            row = ApiToken(
                name=name,
                user=user,
                scope=options["scope"],
                project=project,
                expires_at=end_of(options["days"]),
            )
            token = row.renew()
            row.save()
        return token

    def _revoke(self, name: str, user: Any | None) -> None:
        open_ones = ApiToken.objects.filter(revoked_at=None).select_related("user")
        if user is not None:
            open_ones = open_ones.filter(user=user)
        found = list(open_ones.filter(name=name))
        if not found:
            known = ", ".join(open_ones.values_list("name", flat=True))
            raise CommandError(f"No token is named {name}. Known: {known or 'none'}")
        if len(found) > 1:
            owners = ", ".join(str(row.user) for row in found)
            raise CommandError(f"Several tokens are named {name}: say whose, --user {owners}")
        found[0].revoke()
        self.stderr.write(f"Revoked {name} ({found[0].prefix}…).")

    def _list(self, user: Any | None) -> None:
        rows = ApiToken.objects.filter(revoked_at=None).select_related("user", "project")
        for row in rows.filter(user=user) if user is not None else rows:
            until = f"until {row.expires_at:%Y-%m-%d}" if row.expires_at else "without end"
            used = f"used {row.last_used_at:%Y-%m-%d}" if row.last_used_at else "never used"
            self.stdout.write(
                f"{row.prefix}…  {row.name}  of {row.user}  {row.opens}  {row.validity}  {until}  "
                f"{used}"
            )

    def _project(self, slug: str, user: Any) -> Any:
        known = Project.objects.visible_to(user)
        found = known.filter(slug=slug).first()
        if found is None:
            names = ", ".join(known.values_list("slug", flat=True)[:20])
            raise CommandError(f"{user} is in no project {slug}. Known: {names or 'none'}")
        return found

    def _user(self, username: str) -> Any:
        user_model = get_user_model()
        user = user_model.objects.filter(**{user_model.USERNAME_FIELD: username}).first()
        if user is None:
            raise CommandError(
                f"No user is named {username}. Make one with: manage.py add_user, or use "
                "the name you sign in with."
            )
        return user
