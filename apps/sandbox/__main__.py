"""``python -m apps.sandbox --port …``: the sandbox as a light process without Django."""

import sys

from apps.sandbox.cli import main

sys.exit(main())
