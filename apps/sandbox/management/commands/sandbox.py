"""``manage.py sandbox``: the simulated AWS account on loopback."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.sandbox import cli


class Command(BaseCommand):
    """Hands its options to the sandbox, which needs nothing of Django."""

    help = "Run a simulated, living AWS account for trying the dashboard and for tests."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The sandbox's options."""
        cli.add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until told to stop; exits with the sandbox's code."""
        sys.exit(cli.run(argparse.Namespace(**options)))
