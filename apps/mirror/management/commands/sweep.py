"""`manage.py sweep`: sweep now, in this process, with progress on the terminal."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.mirror.health import kind_health
from apps.mirror.hints import follow_hints
from apps.mirror.models import Scope, Sweep
from apps.mirror.outcomes import record_trouble
from apps.mirror.provider import PROVIDERS
from apps.mirror.resource import REGISTER
from apps.mirror.sweep import sweep_scope


class Command(BaseCommand):
    """Read everything once and say how it went."""

    help = "Sweep every scope (or those named) now and print what was read and what failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take scopes to narrow to."""
        parser.add_argument("scope", nargs="*", help="e.g. 111122223333/eu-west-1")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sweep in this process; exit code 1 where a list could not be read."""
        scopes = Scope.objects.filter(parked=False, paused=False)
        if options["scope"]:
            scopes = scopes.filter(place__in=options["scope"])
            unknown = set(options["scope"]) - set(scopes.values_list("place", flat=True))
            if unknown:
                shown = Scope.objects.filter(parked=False).values_list("place", flat=True)
                known = ", ".join(shown) or "none"
                raise CommandError(f"No such scope: {', '.join(sorted(unknown))}. Known: {known}")
        if not scopes:
            if Scope.objects.filter(parked=False).exists():
                raise CommandError("Every account is paused. Its page on Accounts sweeps it again.")
            raise CommandError("No account is connected. Connect one on the page, or run make up.")
        failed = False
        for scope in scopes:
            if scope.enabled or self._begins(scope):
                self._sweep(scope)
            failed |= self._troubles(scope)
        if failed:
            sys.exit(1)

    def _begins(self, scope: Scope) -> bool:
        """Whether a scope that was not swept so far can be: opening it may be all it waits for."""
        try:
            PROVIDERS.get(scope.provider).open(scope).close()
        except Exception as error:  # noqa: BLE001 - told on the scope and below
            for resource in REGISTER.of(scope.provider):
                record_trouble(scope, resource, error)
        scope.refresh_from_db()
        return scope.enabled

    def _sweep(self, scope: Scope) -> None:
        self.stdout.write(f"{scope.place}")
        for sweep, result in sweep_scope(scope, progress=self._progress):
            self._clear()
            if result is None and sweep.leased_until:
                self.stdout.write(f"  {sweep.kind:<28} is being read by a worker")
            elif result is None:
                self.stdout.write(f"  {sweep.kind:<28} not read (see below)")
            else:
                self.stdout.write(
                    f"  {sweep.kind:<28} {sweep.rows:>6} rows, {len(result.changes)} changed"
                )
        follow_hints(scope.pk)

    def _troubles(self, scope: Scope) -> bool:
        """Say what cannot be read and what cures it; alike for all kinds where that is so."""
        if not scope.enabled:
            self.stdout.write(f"{scope.label or scope.place} {scope.region}: not swept")
        told: list[tuple[str, str, str]] = []
        for item in kind_health([scope]):
            if not item.troubled:
                continue
            cause = (item.operation, item.error, item.cure)
            if cause not in told:
                self.stdout.write(f"  ! {item.operation}: {item.state}: {item.error}")
                self.stdout.write(f"    {item.cure}")
            told.append(cause)
        return bool(told)

    def _progress(self, sweep: Sweep) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r  {sweep.kind:<28} {sweep.done} of {sweep.total}   ", ending="")

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")
