#!/usr/bin/env python
"""Django's command line for CodeStar Dash."""

import os
import sys


def main() -> None:
    """Run one management command; a setting that cannot be used is one clear line, no traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError, ProgrammingError
    except ImportError:
        sys.exit("Django is not installed here: run make up, or .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"codestar-dash: {error}")
    except (OperationalError, ProgrammingError) as error:
        if "no such table" not in str(error) and "does not exist" not in str(error):
            raise
        sys.exit(
            f"codestar-dash: {str(error).splitlines()[0]}. The database is not made yet, or "
            "another one is meant: start make up once, or set CODESTAR_DASH_DATA or DATABASE_URL."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
