"""What home costs in a small house and in a large one; a child process for each, asked in turn.

parent: home-cold | home-warm | unchanged | full      child: seconds as JSON
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codestar_dash.settings")
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from bench.crowd import gather  # noqa: E402
from bench.result import cpu, wall  # noqa: E402

TIMES = 6


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    pipelines, executions_each = int(sys.argv[1]), int(sys.argv[2])
    client = Client()
    client.force_login(gather(pipelines, executions_each))
    house = House(client)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(getattr(house, line.strip().replace("-", "_"))()), flush=True)


class House:
    """The measurements."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.home = reverse("dashboard:home")
        page = self.full_page()
        assert page.count('id="pipeline-row-') == 100, page[:2000]

    def full_page(self) -> str:
        answer = self.client.get(self.home)
        assert answer.status_code == 200, answer
        return answer.content.decode()

    def home_cold(self) -> float:
        """Nothing rendered before."""

        def work() -> None:
            for alias in caches:
                caches[alias].clear()
            self.full_page()

        return sum(wall(work) for _ in range(TIMES)) / TIMES

    def home_warm(self) -> float:
        """Each row's picture is in the cache."""
        return wall(lambda: [self.full_page() for _ in range(TIMES)]) / TIMES

    def full(self) -> float:
        """Processor time of a whole page, rows from the cache."""
        return cpu(lambda: [self.full_page() for _ in range(TIMES)]) / TIMES

    def unchanged(self) -> float:
        """Processor time of saying that the browser's page is still right."""

        def work() -> None:
            answer = self.client.get(self.home, headers={"If-None-Match": etag})
            assert answer.status_code == 304, answer

        # A tag is good for minutes: pages turn stale by the clock, too.
        etag = self.client.get(self.home)["ETag"]
        return cpu(lambda: [work() for _ in range(TIMES)]) / TIMES


if __name__ == "__main__":
    main()
