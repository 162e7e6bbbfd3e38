from django.db import migrations


def bring_links(apps, _schema):
    """Links that were made before the upgrade and not used yet go on opening."""
    new = apps.get_model("people", "SignInLink")
    fields = ("token_hash", "user_id", "created_at", "expires_at", "used_at")
    old = apps.get_model("dashboard", "SignInLink").objects.values(*fields)
    new.objects.bulk_create([new(**values) for values in old.iterator()], batch_size=500)


def nothing(_apps, _schema):
    """Going back makes the old table empty: a new link is made in a moment."""


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0001_sign_in_links"),
        ("people", "0001_people"),
    ]

    operations = [migrations.RunPython(bring_links, nothing)]
