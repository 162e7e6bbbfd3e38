"""Every setting is documented, and every documented one exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')


def read_settings() -> set[str]:
    return {
        name
        for path in (ROOT / "codestar_dash").glob("*.py")
        for name in READ.findall(path.read_text())
    }


def documented_settings() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.M))


def test_every_setting_that_is_read_is_documented():
    assert read_settings() - documented_settings() == set()


def test_every_documented_setting_is_read():
    assert documented_settings() - read_settings() == set()


def test_settings_are_read_through_one_door():
    # os.environ elsewhere would slip past the documentation.
    allowed = {
        "environment.py",
        "settings.py",
        "celery.py",
        "asgi.py",
        "sandbox.py",
        "connecting.py",
    }
    users = {
        path.name
        for path in (ROOT / "codestar_dash").glob("*.py")
        if "os.environ" in path.read_text()
    }
    assert users <= allowed
