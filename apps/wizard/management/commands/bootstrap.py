"""`manage.py bootstrap`: makes a project from a template on the command line."""

import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from apps.aws.failures import told_by
from apps.aws.identity import WHO
from apps.aws.models import Place
from apps.deeds import asking
from apps.deeds.models import Deed
from apps.deeds.performing import perform
from apps.mirror.provider import PROVIDERS
from apps.people.models import administrators
from apps.projects.models import Project
from apps.wizard import advancing, answering
from apps.wizard.act import may_make
from apps.wizard.blueprints.answers import refusals
from apps.wizard.blueprints.cost import estimate
from apps.wizard.blueprints.register import BLUEPRINTS
from apps.wizard.courses import DROP, MAKE, PLAN
from apps.wizard.following import Follower
from apps.wizard.models import Bootstrap, answers_from, taken_by
from apps.wizard.permitted import lacking, owned_by, queue_at

PAUSE = 1.0
NOTHING = "Nothing was made"
BROKEN_OFF = "It was broken off before it was sent."


class Command(BaseCommand):
    """Make a project, step by step, and say how far it is; ends with 1 where it stands still."""

    help = "Make a project from a template: plan it, show what would be made, make it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the template, the answers, and whether to stop before anything is made."""
        parser.add_argument("--template", required=True, help=f"one of {', '.join(BLUEPRINTS)}")
        parser.add_argument(
            "--answers",
            required=True,
            type=Path,
            help="YAML or JSON file: title, project, account, region, team and what else is "
            "chosen; `into` names a project of the dashboard that it belongs to",
        )
        parser.add_argument("--as", dest="who", default="", help="user name; an administrator's")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="plan it in the account, show everything, and drop the plan again",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it. Raises CommandError in words that say what to do."""
        bootstrap = _drafted(options["template"], options["answers"], options["who"])
        self._show(bootstrap)
        if why := _unreachable(bootstrap):
            raise CommandError(f"It cannot be planned. {why} {NOTHING}.")
        self._plan(bootstrap)
        if bootstrap.state != Bootstrap.State.READY:
            self._drop(bootstrap)
            told = f"{bootstrap.trouble} {bootstrap.cure}".strip()
            raise CommandError(f"It cannot be made like this. {told} {NOTHING}.".replace("  ", " "))
        if options["dry_run"]:
            self._drop(bootstrap)
            self.stdout.write(f"{NOTHING}: this was a dry run, and its change set is dropped.")
            return
        self._make(bootstrap)

    def _show(self, bootstrap: Bootstrap) -> None:
        rendered = bootstrap.rendered
        cost = estimate(bootstrap.template, bootstrap.chosen)
        self.stdout.write(self.style.MIGRATE_HEADING(bootstrap.template.title))
        self.stdout.write(f"  stack {rendered.stack_name} in {bootstrap.chosen.region}")
        if bootstrap.project is not None:
            self.stdout.write(f"  belongs to {bootstrap.project.name}")
        for path, body in rendered.files.items():
            self.stdout.write(f"  {len(body):>7} bytes  {path}")
        self.stdout.write(
            f"  about {cost.total} {cost.currency} a month, by prices of {cost.dated.isoformat()}"
        )

    def _plan(self, bootstrap: Bootstrap) -> None:
        """Have AWS work out the change set, and show it."""
        bootstrap.save()
        try:
            with transaction.atomic():
                advancing.begin(bootstrap, PLAN, takes=True)
        except IntegrityError:
            bootstrap.delete()
            raise CommandError(f"{bootstrap.name}: {taken_by(bootstrap)} {NOTHING}.") from None
        try:
            self._run(bootstrap)
        except KeyboardInterrupt:
            self._drop(bootstrap)
            raise CommandError(f"It was broken off. {NOTHING}.") from None
        for one in bootstrap.preview.get("checks", ()):
            mark = {True: "ok  ", False: "NO  ", None: "?   "}[one["ok"]]
            self.stdout.write(f"  {mark}{one['what']}: {one['told']}")
            if not one["ok"] and one["cure"]:
                self.stdout.write(f"      {one['cure']}")
        changes = bootstrap.preview.get("changes", ())
        if changes:
            self.stdout.write(f"The change set of {bootstrap.name}:")
        for one in changes:
            self.stdout.write(f"  {one['action'].lower():<8}{one['id']:<30} {one['type']}")

    def _make(self, bootstrap: Bootstrap) -> None:
        path = bootstrap.get_absolute_url()
        if not advancing.begin(bootstrap, MAKE):
            raise CommandError(f"Somebody else went on with it meanwhile: see {path}")
        try:
            self._run(bootstrap)
        except KeyboardInterrupt:
            raise CommandError(
                f"It is not watched any more, and goes on where workers run: see {path}, where it "
                "can be undone, too."
            ) from None
        if bootstrap.state != Bootstrap.State.MADE:
            raise CommandError(
                f"{bootstrap.trouble}\n{bootstrap.cure}\nGo on, or undo it, at {path}"
            )
        self.stdout.write(self.style.SUCCESS(f"{bootstrap} is made: {bootstrap.project}, {path}"))

    def _drop(self, bootstrap: Bootstrap) -> None:
        """Give the id free again, and take away what was planned."""
        trouble, cure = bootstrap.trouble, bootstrap.cure
        bootstrap.refresh_from_db()
        if bootstrap.state == Bootstrap.State.MOVING:
            # It was broken off in the middle of the plan. What a worker is at is waited for.
            if bootstrap.deed is not None:
                asking.withdraw(bootstrap.deed, BROKEN_OFF)
            Bootstrap.objects.filter(pk=bootstrap.pk).update(state=Bootstrap.State.FAILED)
        if advancing.begin(bootstrap, DROP):
            self._run(bootstrap)
        if bootstrap.takes:
            raise CommandError(
                f"Its plan could not be dropped: {bootstrap.trouble} Drop it at "
                f"{bootstrap.get_absolute_url()}"
            )
        bootstrap.delete()
        bootstrap.trouble, bootstrap.cure = trouble, cure

    def _run(self, bootstrap: Bootstrap) -> None:
        """Work until nothing is under way. Workers that run beside it may be quicker."""
        follower = Follower(self.stdout, self._painted)
        try:
            while True:
                with _to_its_end():
                    advancing.advance(bootstrap.pk)
                    bootstrap.refresh_from_db()
                    if bootstrap.deed_id:
                        perform(bootstrap.deed_id)
                        bootstrap.refresh_from_db()
                follower.tell(bootstrap)
                if bootstrap.state != Bootstrap.State.MOVING:
                    return
                _ask_a_person(bootstrap)
                time.sleep(PAUSE)
        finally:
            follower.end()

    def _painted(self, text: str, state: str) -> str:
        paint = {"failed": self.style.ERROR, "now": self.style.WARNING}.get(state)
        return str(paint(text)) if paint else text


@contextmanager
def _to_its_end() -> Iterator[None]:
    """Let what is being asked of AWS come to its end before Ctrl+C breaks it off.

    Broken off in the middle nobody would know what became of it. KeyboardInterrupt comes after it.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _ask_a_person(bootstrap: Bootstrap) -> None:
    """Raise CommandError where only a person can say whether a deed was done."""
    deed = bootstrap.deed
    if deed is not None and deed.outcome == Deed.Outcome.UNKNOWN:
        raise CommandError(
            f"Whether this was done is not known: {deed}. {deed.reason}\nSay so at "
            f"{deed.get_absolute_url()}; it then goes on where workers run: see "
            f"{bootstrap.get_absolute_url()}"
        )


def _drafted(template: str, path: Path, who: str) -> Bootstrap:
    """Return what a file answers, not kept yet. Raises CommandError for what cannot be made."""
    blueprint = BLUEPRINTS.get(template)
    if blueprint is None:
        raise CommandError(f"There is no template {template}; there are {', '.join(BLUEPRINTS)}.")
    try:
        given = answering.read(path)
    except answering.BadFileError as error:
        raise CommandError(str(error)) from None
    into = given.pop(answering.INTO, "")
    answers = answers_from(given)
    wrong = refusals(answers, blueprint.target, blueprint.runs.runs if blueprint.runs else "")
    if wrong:
        told = "\n".join(f"  {one.field}: {one.sentence}" for one in wrong)
        raise CommandError(f"{path} cannot be used:\n{told}")
    maker = _who(who)
    project = _into(into, maker)
    title = answers.title or answers.project
    if project is None and Project.named(title, maker).exists():
        raise CommandError(
            f"Another project is called {title}: give it another title, or say by “into” that it "
            "belongs to that one."
        )
    place = _place(answers.account, answers.region)
    if why := lacking(place.account, project):
        raise CommandError(f"{why} {NOTHING}.")
    kept = {**asdict(answers), "queue": answers.queue or queue_at(place)}
    return Bootstrap(
        blueprint=blueprint.id,
        answers={
            name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()
        },
        title=title,
        name=answers.project,
        scope=place.scope,
        project=project,
        who=maker,
    )


def _place(account: str, region: str) -> Place:
    places = Place.objects.select_related("scope", "account__permit")
    place = places.filter(account__account_id=account, region=region, wanted=True).first()
    if place is None:
        raise CommandError(
            f"Account {account} is not connected in {region}: connect it on the page Accounts, or "
            "name another one."
        )
    return place


def _into(named: str, who: Any) -> Project | None:
    """Return the project that it belongs to, by its name or the one in its address."""
    if not named:
        return None
    owned = owned_by(who)
    found: list[Project] = list(owned.filter(slug=named) or owned.filter(name__iexact=named)[:2])
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(
            f"Several projects are called {named}: say the one by its address, like {found[0].slug}"
        )
    raise CommandError(
        f"{who.get_username()} owns no project {named}: name one of theirs, or leave “into” out "
        "for a new one."
    )


def _unreachable(bootstrap: Bootstrap) -> str:
    """Return why AWS does not answer for the account; "" where it does."""
    assert bootstrap.scope is not None
    try:
        reach: Any = PROVIDERS.get("aws").open(bootstrap.scope, urgent=True)
        reach.call(WHO)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        failure = told_by(error)
        told = f"Account {bootstrap.chosen.account} cannot be reached: {failure.message}"
        return f"{told} {failure.cure}".strip()
    return ""


def _who(name: str) -> Any:
    users = get_user_model().objects.filter(is_active=True)
    found = users.filter(username=name) if name else users.filter(administrators())
    who = found.order_by("pk").first()
    if who is None:
        raise CommandError(
            f"There is no user {name}." if name else "There is no administrator: name one by --as."
        )
    if not may_make(who):
        raise CommandError(
            f"{who.get_username()} may make no projects: only owners of one may, and "
            "administrators. Name one of them by --as."
        )
    return who
