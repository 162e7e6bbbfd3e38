"""Rows that are written once: never deleted, and of their columns only those named go on.

The model and its queryset refuse in words; `keep` has the database refuse too, whoever asks it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db import connections, models, transaction

# Of what a trigger is called on a table.
DELETED, CHANGED = "kept_from_deletion", "kept_from_change"


class KeptError(TypeError):
    """What is kept was to be deleted, or something that is written once changed."""


class KeptQuerySet(models.QuerySet[Any]):
    """Rows of a `Kept`: what goes on may be updated, nothing else, and nothing is deleted.

    Django's own cascades go past it, by the base manager: they take a reference to what is removed.
    """

    def delete(self) -> Any:
        """Refuse."""
        raise KeptError(f"{_called(self.model)} are never deleted.")

    # As Django has it, or templates could call it.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def update(self, **values: Any) -> int:
        """Write down how it goes on. Raises KeptError for a column that is written once."""
        _only_what_goes_on(self.model, values)
        return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Any, fields: Any, batch_size: int | None = None) -> int:
        """The same, for many."""
        _only_what_goes_on(self.model, fields := list(fields))
        return super().bulk_update(objs, fields, batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        """Write new ones. Raises KeptError where old ones were to be written over."""
        # Django takes it as the fourth, too.
        if any(args[2:3]) or options.get("update_conflicts"):
            raise KeptError(f"{_called(self.model)} are not written over.")
        return super().bulk_create(objs, *args, **options)


class Kept(models.Model):
    """A row that is written once.

    GOES_ON  names of the fields that are written later, by a conditional update.
    ENDED    values of `outcome` after which they are not, either.
    FILLED   fields that may be written later, too, as long as another one is "": field -> that.
    Other references than those may be emptied, as their models' on_delete says.
    """

    GOES_ON: ClassVar[frozenset[str]] = frozenset()
    ENDED: ClassVar[tuple[str, ...]] = ()
    FILLED: ClassVar[Mapping[str, str]] = {}

    objects: ClassVar[Any] = KeptQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new one. Raises KeptError for an old one."""
        if self.pk is not None and not self._state.adding:
            raise KeptError(f"{_called(type(self))} are not written anew.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse."""
        raise KeptError(f"{_called(type(self))} are never deleted.")


def _called(model: Any) -> str:
    return str(model._meta.verbose_name_plural).capitalize()


def _only_what_goes_on(model: Any, names: Iterable[str]) -> None:
    if once := sorted(set(names) - model.GOES_ON - model.FILLED.keys()):
        raise KeptError(f"{_called(model)} keep {', '.join(once)} as written.")


def keep(sender: Any, using: str, plan: Any = (), **_kwargs: Any) -> None:
    """Have the database refuse as well; `post_migrate` of an app that has such models.

    Not in a migration: SQLite makes a table anew where one alters it, without its triggers. A
    migration that changes kept rows calls `unguard` first; what it took is put back here.
    """
    database = connections[using]
    for model in sender.get_models():
        if issubclass(model, Kept) and (plan or not _guarded(database, model)):
            with transaction.atomic(using=using):
                unguard(database, model)
                _guard(database, model)


def unguard(database: Any, model: Any) -> None:
    """Take the database's refusals away."""
    table = model._meta.db_table
    with database.cursor() as cursor:
        for name in (DELETED, CHANGED):
            if database.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {table}_{name}()")


def _guarded(database: Any, model: Any) -> bool:
    table = model._meta.db_table
    names = [f"{table}_{name}" for name in (DELETED, CHANGED)]
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            found = "FROM sqlite_master WHERE type = 'trigger' AND name IN (%s, %s)"
            cursor.execute(f"SELECT count(*) {found}", names)
        else:
            found = "FROM pg_trigger WHERE tgname IN (%s, %s) AND tgrelid = to_regclass(%s)"
            cursor.execute(f"SELECT count(*) {found}", [*names, table])
        return bool(cursor.fetchone()[0] == len(names))


def _guard(database: Any, model: Any) -> None:
    table, sqlite = model._meta.db_table, database.vendor == "sqlite"
    changed = _changed(model, "IS NOT" if sqlite else "IS DISTINCT FROM")
    with database.cursor() as cursor:
        for name, event, condition, told in (
            (DELETED, "DELETE", "", f"rows of {table} are never deleted"),
            (CHANGED, "UPDATE", changed, f"rows of {table} are written once"),
        ):
            if sqlite:
                when = f"WHEN {condition}" if condition else ""
                cursor.execute(
                    f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}"
                    f" BEGIN SELECT RAISE(ABORT, '{told}'); END"
                )
                continue
            # IntegrityError to Django, as SQLite's is.
            body = f"RAISE EXCEPTION '{told}' USING ERRCODE = 'integrity_constraint_violation';"
            if condition:
                body = f"IF {condition} THEN {body} END IF; RETURN NEW;"
            cursor.execute(
                f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $kept$ BEGIN {body} END $kept$"
            )
            cursor.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION {table}_{name}()"
            )


def _changed(model: Any, differs: str) -> str:
    """Return, in SQL, whether a row that is written differs in what stays as it was written."""
    changed, later = [], []
    for one in model._meta.concrete_fields:
        new, old = f'NEW."{one.column}"', f'OLD."{one.column}"'
        another = f"{new} {differs} {old}"
        if one.many_to_one:
            # The removal of what is named takes the reference.
            another = f"({new} IS NOT NULL AND {another})"
        if one.name in model.GOES_ON:
            later.append(another)
        elif one.name in model.FILLED:
            changed.append(f"""(OLD."{model.FILLED[one.name]}" <> '' AND {another})""")
        else:
            changed.append(another)
    if model.ENDED:
        ended = ", ".join(f"'{one}'" for one in model.ENDED)
        changed.append(f"(OLD.outcome IN ({ended}) AND ({' OR '.join(later)}))")
    return " OR ".join(changed)
