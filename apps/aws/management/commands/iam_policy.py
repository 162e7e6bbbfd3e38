"""`manage.py iam_policy`: prints the least policy that lets the dashboard read an account."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.aws.policy import as_text, read_policy
from apps.aws.queues import BAD_NAME, is_queue_name


class Command(BaseCommand):
    """Print the policy document alone, to be piped into the AWS CLI."""

    help = "Print the least IAM policy for reading, from what the services declare to call."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the queue's name."""
        parser.add_argument(
            "--queue",
            default=settings.EVENT_QUEUE_NAME,
            help="name of the SQS queue that EventBridge sends to (EVENT_QUEUE_NAME)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print it; exit code 1 where the queue's name can be none."""
        queue = options["queue"]
        if not is_queue_name(queue):
            raise CommandError(BAD_NAME)
        self.stdout.write(as_text(read_policy(queue)))
