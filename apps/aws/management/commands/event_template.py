"""`manage.py event_template`: prints the CloudFormation template that sets up events."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.aws.event_template import (
    as_file,
    deploy_command,
    event_template,
    head_of,
    principal_for,
    stack_for,
)
from apps.aws.models import ACCOUNT_ID, REGION, Place
from apps.aws.queues import queue_of


class Command(BaseCommand):
    """Print the template alone, to be piped into a file; how to deploy it goes to stderr."""

    help = (
        "Print the CloudFormation template of the queue and EventBridge rules that tell the "
        "dashboard what changed. One template fits every account and region."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the place it is for, the queue's name, the form and who receives."""
        parser.add_argument("--account", default="", help="the account's 12 digits")
        parser.add_argument("--region", default="", help="the region, e.g. eu-west-1")
        parser.add_argument("--format", choices=("yaml", "json"), default="yaml")
        parser.add_argument(
            "--queue",
            default="",
            help="the queue's name (default: what the place listens to, else EVENT_QUEUE_NAME)",
        )
        parser.add_argument(
            "--principal",
            default="",
            help="ARN of the role or user that receives, where its own policy does not allow it",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print it; exit code 1 where an argument can be no account, region, queue or principal."""
        account, region = options["account"], options["region"]
        for text, check in ((account, ACCOUNT_ID), (region, REGION)):
            try:
                if text:
                    check(text)
            except ValidationError as error:
                raise CommandError(f"{text}: {error.message}") from None
        place = _place(account, region)
        if account and place is None:
            self.stderr.write(
                f"{account}/{region or 'every region'} is not connected here: nobody reads its "
                "queue before it is (page Accounts)."
            )
        queue = options["queue"] or (queue_of(place) if place else settings.EVENT_QUEUE_NAME)
        principal = options["principal"] or (principal_for(place.account) if place else "")
        form = options["format"]
        command = deploy_command(region or "REGION", file=f"{queue}.{form}", stack=stack_for(queue))
        try:
            template = event_template(queue, principal=principal)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            as_file(template, form=form, head=head_of(account, region, command)), ending=""
        )
        if not sys.stdout.isatty():
            self.stderr.write(f"Deploy it with:\n{command}")


def _place(account: str, region: str) -> Place | None:
    if not account:
        return None
    places = Place.objects.select_related("account").filter(account__removed_at=None)
    try:
        return places.filter(account__account_id=account, region=region).first()
    except DatabaseError:
        # Before the first start there is no database, and nothing that it could say.
        return None
