"""A new database has the tables that all migrations, one after the other, would have made."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import servers
from tests.whole.program import DATABASE, run

ONE_BY_ONE = """
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), verbosity=0)
"""
BROKEN_OFF = """
from unittest import mock
from django.core.management import call_command
from django.db import connection
from codestar_dash.management.commands import migrate
with mock.patch.object(migrate, "MigrationLoader", side_effect=KeyboardInterrupt):
    try:
        call_command("migrate", verbosity=0)
    except KeyboardInterrupt:
        print("broken off")
print("tables:", connection.introspection.table_names())
"""
# Ids of rows that nothing names: Django's migrations give them the project's kind of number, its
# models that of their own app (https://code.djangoproject.com/ticket/32674).
DIFFERING = {"auth_group_permissions", "auth_user_groups", "auth_user_user_permissions"}


def made(data: Path, *command: str, **settings: str) -> str:
    done = run(data, *command, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_sqlite(data: Path) -> dict[str, Any]:
    """Columns, references, indexes, triggers and checks by name, in whatever order they stand."""
    with sqlite3.connect(data / DATABASE) as database:
        told: dict[str, Any] = {}
        for kind, name, sql in database.execute("SELECT type, name, sql FROM sqlite_master"):
            if kind != "table":
                told[f"{kind} {name}"] = sql
                continue
            columns = database.execute(f'PRAGMA table_info("{name}")').fetchall()
            keys = database.execute(f'PRAGMA foreign_key_list("{name}")').fetchall()
            told[f"table {name}"] = (
                sorted(column[1:] for column in columns),
                sorted(key[2:] for key in keys),
                sorted(re.findall(r'CONSTRAINT "\w+" (?:CHECK|UNIQUE) ?\(.*?\)(?=,|\)$)', sql)),
            )
        return told


def in_postgres(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as database:
        found = {
            *database.execute(
                "SELECT table_name, column_name, data_type, is_nullable, column_default,"
                " character_maximum_length::text, is_identity"
                " FROM information_schema.columns WHERE table_schema = 'public'"
            ).fetchall(),
            *database.execute(
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            ).fetchall(),
            *database.execute(
                "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            ).fetchall(),
            *database.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
            ).fetchall(),
            *database.execute("SELECT app, name FROM django_migrations").fetchall(),
        }
    return {one for one in found if not (one[0] in DIFFERING and one[1] == "id")}


def test_a_new_file_has_what_migrations_make(tmp_path: Path) -> None:
    at_once, slowly = tmp_path / "at-once", tmp_path / "slowly"
    assert "Making the tables of a new database." in made(at_once, "migrate")
    made(slowly, "shell", "-v0", "-c", ONE_BY_ONE)
    assert in_sqlite(at_once) == in_sqlite(slowly)
    rows = "SELECT app, name FROM django_migrations"
    with (
        sqlite3.connect(at_once / DATABASE) as one,
        sqlite3.connect(slowly / DATABASE) as other,
    ):
        assert set(one.execute(rows)) == set(other.execute(rows))
    # What is there already is migrated as ever.
    assert "No migrations to apply." in made(slowly, "migrate")


def test_a_new_database_on_postgres_has_what_migrations_make(
    tmp_path: Path, postgres_server: str
) -> None:
    with (
        servers.database(postgres_server) as at_once,
        servers.database(postgres_server) as slowly,
    ):
        made(tmp_path, "migrate", "-v0", DATABASE_URL=at_once)
        made(tmp_path, "shell", "-v0", "-c", ONE_BY_ONE, DATABASE_URL=slowly)
        assert in_postgres(at_once) == in_postgres(slowly)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_is_broken_off_leaves_no_table_and_is_begun_anew(
    tmp_path: Path, postgres_server: str, kind: str
) -> None:
    with servers.database(postgres_server) as url:
        settings = {"DATABASE_URL": url} if kind == "postgres" else {}
        told = made(tmp_path, "shell", "-v0", "-c", BROKEN_OFF, **settings)
        assert told.split("\n")[:2] == ["broken off", "tables: []"]
        assert "No migrations to apply." in made(tmp_path, "migrate", **settings)
