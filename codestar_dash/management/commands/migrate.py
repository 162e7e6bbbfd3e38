"""`manage.py migrate`, which makes all tables of a new database at once, from the models.

Whatever the number of migrations, they would make each table and then change it, a quarter of a
minute of work that leads to the same tables: see docs/decisions/0018-new-databases-from-models.md.
"""

from typing import Any

from django.apps import apps
from django.core.management.commands import migrate
from django.db import connections, router
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

# What asks for less, or for something else, than all of it in earnest.
OTHERWISE = ("app_label", "fake", "fake_initial", "plan", "check_unapplied", "run_syncdb", "prune")


class Command(migrate.Command):
    """Django's own, but for a database in which there is nothing yet."""

    def handle(self, *args: Any, **options: Any) -> Any:
        """Make the tables of a new database; migrate any other, and send the signals for both."""
        connection = connections[options["database"]]
        if not any(options.get(name) for name in OTHERWISE) and _is_new(connection):
            if options["verbosity"] > 0:
                self.stdout.write("Making the tables of a new database.")
            _make(connection)
        return super().handle(*args, **options)


def _is_new(connection: Any) -> bool:
    connection.prepare_database()
    with connection.cursor() as cursor:
        return not connection.introspection.table_names(cursor)


def _make(connection: Any) -> None:
    """Make every table and note that every migration is applied, all of it or nothing."""
    recorder = MigrationRecorder(connection)
    with connection.schema_editor(atomic=True) as editor:
        editor.create_model(recorder.Migration)
        for model in apps.get_models():
            allowed = router.allow_migrate_model(connection.alias, model)
            if allowed and model._meta.can_migrate(connection):
                editor.create_model(model)
        # Those of other parties are among them, which find nothing in a new database, either; and
        # those that a squashed one replaces, or it would be taken for one that is still to come.
        names = sorted(MigrationLoader(None).disk_migrations)
        recorder.migration_qs.bulk_create(
            recorder.Migration(app=app, name=name) for app, name in names
        )
