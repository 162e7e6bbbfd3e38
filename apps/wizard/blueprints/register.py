"""The templates there are: what each is, its language, where it runs, and where its files lie."""

from dataclasses import dataclass
from pathlib import Path

from . import platforms

HERE = Path(__file__).parent

LAMBDA = "lambda"
EC2 = "ec2"
BEANSTALK = "beanstalk"


@dataclass(frozen=True)
class Blueprint:
    """A template. `id` is the folder of its own files; `shared` are folders it takes files from.

    `runs` is the platform branch of Elastic Beanstalk, where it runs there.
    """

    id: str
    title: str
    about: str
    language: str
    target: str
    shared: tuple[str, ...] = ()
    runs: platforms.Branch | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files lie; those of a later folder go before those of an earlier one."""
        return (*(HERE / "shared" / name for name in self.shared), HERE / self.id)


_ALL = (
    Blueprint(
        id="lambda-python-service",
        title="Web service on AWS Lambda (Python)",
        about="A JSON API: a Lambda function behind an HTTP API, with canary releases.",
        language="Python",
        target=LAMBDA,
    ),
    Blueprint(
        id="lambda-node-app",
        title="Web application on AWS Lambda (Node.js)",
        about="A page rendered by a Lambda function behind an HTTP API, with canary releases.",
        language="Node.js",
        target=LAMBDA,
    ),
    Blueprint(
        id="ec2-python-app",
        title="Web application on EC2 (Python)",
        about="gunicorn behind nginx on instances of an Auto Scaling group, by CodeDeploy.",
        language="Python",
        target=EC2,
        shared=("python-web",),
    ),
    Blueprint(
        id="ec2-static-page",
        title="Static page on EC2",
        about="Pages that the build checks, served by nginx on instances, by CodeDeploy.",
        language="HTML",
        target=EC2,
    ),
    Blueprint(
        id="beanstalk-python-app",
        title="Web application on Elastic Beanstalk (Python)",
        about="A WSGI application on Elastic Beanstalk's Python platform.",
        language="Python",
        target=BEANSTALK,
        shared=("python-web",),
        runs=platforms.PYTHON,
    ),
    Blueprint(
        id="beanstalk-node-service",
        title="Web service on Elastic Beanstalk (Node.js)",
        about="A JSON API on Elastic Beanstalk's Node.js platform.",
        language="Node.js",
        target=BEANSTALK,
        runs=platforms.NODE,
    ),
)

#: The register, by id and sorted by it.
BLUEPRINTS: dict[str, Blueprint] = {one.id: one for one in sorted(_ALL, key=lambda one: one.id)}
