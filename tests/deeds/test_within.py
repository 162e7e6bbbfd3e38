"""What was done to a part was done to the whole, also what was kept of it as text before."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from apps.audit.kept import keep, unguard
from apps.deeds.models import Deed, Within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sql]
FILLS, LETS_GO = "0004_what_it_was_done_within", "0005_deeds_by_their_end"


@pytest.fixture
def before(transactional_db: None, settings: Any) -> Iterator[Any]:
    """The models as the first of the migrations finds them, and the column that is text."""
    settings.MIGRATION_MODULES = {}
    old = MigrationLoader(connection).project_state([("deeds", FILLS)]).apps
    model = old.get_model("deeds", "Deed")
    unguard(connection, Deed)
    with connection.schema_editor() as editor:
        editor.add_field(model, model._meta.get_field("within"))
    keep(apps.get_app_config("deeds"), connection.alias, plan=[1])
    yield old
    if "within" in columns():
        let_go(old)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        told = connection.introspection.get_table_description(cursor, Deed._meta.db_table)
    return {one.name for one in told}


def let_go(old: Any) -> None:
    """The second one, as `migrate` runs it: triggers away, the column away, triggers back."""
    model = old.get_model("deeds", "Deed")
    with connection.schema_editor() as editor:
        import_module(f"apps.deeds.migrations.{LETS_GO}").let_go(old, editor)
        editor.remove_field(model, model._meta.get_field("within"))
    keep(apps.get_app_config("deeds"), connection.alias, plan=[1])


def test_what_was_kept_as_text_is_found_and_the_record_stays_kept(before: Any):
    old = before.get_model("deeds", "Deed")
    shared = {"act": "codepipeline.disable", "name": "Production", "outcome": "done"}
    stage, pipeline = "codepipeline.stage:7", "codepipeline.pipeline:3"
    part = old.objects.create(
        **shared, kind="codepipeline.stage", row_id=7, within=[stage, pipeline]
    )
    whole = old.objects.create(**shared, kind="codepipeline.pipeline", row_id=3, within=[pipeline])
    alone = old.objects.create(**shared, kind="codepipeline.pipeline", row_id=33, within=[])
    import_module(f"apps.deeds.migrations.{FILLS}").fill(before, None)
    let_go(before)
    assert "within" not in columns()
    assert {one.pk for one in Deed.objects.on("codepipeline.pipeline", 3)} == {part.pk, whole.pk}
    assert [one.pk for one in Deed.objects.on("codepipeline.stage", 7)] == [part.pk]
    assert [one.pk for one in Deed.objects.on("codepipeline.pipeline", 33)] == [alone.pk]
    assert Within.objects.count() == 1
    for model, change in ((Deed, {"why": "Another reason"}), (Within, {"row_id": 4})):
        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.update(**change)
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
