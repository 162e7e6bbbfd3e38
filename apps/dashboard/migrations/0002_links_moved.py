from django.db import migrations


class Migration(migrations.Migration):
    """Sign-in links are kept by apps.people, which has brought them over."""

    dependencies = [
        ("dashboard", "0001_sign_in_links"),
        ("people", "0002_links_of_before"),
    ]

    operations = [migrations.DeleteModel(name="SignInLink")]
