"""`manage.py up`: the whole dashboard in one process, set up and connected."""

import logging
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from codestar_dash.start import StartError, run_everything

log = logging.getLogger(__name__)

# What a shell calls a program that Ctrl-C ended.
INTERRUPTED = 130


class Command(BaseCommand):
    """Run web, worker and beat together; with AWS=sandbox also a simulated AWS account."""

    help = "Run the dashboard: web server, Celery worker and beat in one process (see README)."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until Ctrl-C; a start that cannot work ends in one clear line and exit code 1.

        However it ends, the process ends at once. Everything is put away by then, but a call to AWS
        may still hang in a thread that the interpreter would wait for; it is read-only, and what it
        was reading is due again at the next start.
        """
        code = 1
        try:
            run_everything(say=self._say)
            code = 0
        except StartError as trouble:
            self.stderr.write(str(trouble))
        except KeyboardInterrupt:
            code = INTERRUPTED
        except SystemExit as told:
            code = told.code if isinstance(told.code, int) else 1
        except Exception:
            log.exception("up.failed")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
