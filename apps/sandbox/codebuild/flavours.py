# ruff: noqa: E501, RUF001 - output is quoted as it is printed
"""What builds print, by the kind of project, and how their tests or compilers fail.

``{n}`` in a line becomes a number, ``{sha}`` the commit, ``{ms}`` a duration; in a repeated line
``{i}`` is the how-manieth time and ``{percent}`` how far the command has come. Lines carry real
ANSI colours and are quoted as the tools print them, however long.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.sandbox.codebuild.colours import BOLD, CYAN, DIM, GREEN, OFF, RED
from apps.sandbox.codebuild.shell import Case
from apps.sandbox.codebuild.testruns import FAILED, Failing, pytest_end, vitest_end


@dataclass(frozen=True)
class Step:
    """A command of the buildspec and what it prints; ``repeat`` so many ``times``, with new numbers."""

    command: str
    lines: tuple[str, ...] = ()
    repeat: tuple[str, ...] = ()
    times: int = 0


@dataclass(frozen=True)
class Flavour:
    """A kind of project by what its builds print; ``failure`` is how the last step of one fails."""

    install: tuple[Step, ...]
    pre_build: tuple[Step, ...]
    build: tuple[Step, ...]
    post_build: tuple[Step, ...]
    failing_command: str
    reason: str
    failure: tuple[str, ...]


#: How tests of a shop's basket fail, in vitest's words.
TOTALS = (
    Failing(
        "src/checkout/total.test.ts",
        "total > applies the voucher before tax",
        "AssertionError: expected 107.1 to be 106.25 // Object.is equality",
        (
            f"{RED}AssertionError: expected 107.1 to be 106.25 // Object.is equality{OFF}",
            "",
            f"{GREEN}- Expected{OFF}",
            f"{RED}+ Received{OFF}",
            "",
            f"{GREEN}- 106.25{OFF}",
            f"{RED}+ 107.1{OFF}",
            "",
            f" {CYAN}❯ src/checkout/total.test.ts:41:31{OFF}",
            "     39|   const total = totalOf(basket, voucher(10));",
            "     40|",
            "     41|   expect(total.gross).toBe(106.25);",
            f"       |                       {RED}^{OFF}",
        ),
    ),
    Failing(
        "src/checkout/total.test.ts",
        "total > splits the voucher over the lines to the cent",
        "AssertionError: expected [ 3.34, 3.34, 3.34 ] to deeply equal [ 3.34, 3.33, 3.33 ]",
        (
            f"{RED}AssertionError: expected [ 3.34, 3.34, 3.34 ] to deeply equal [ 3.34, 3.33, 3.33 ]{OFF}",
            "",
            f" {CYAN}❯ src/checkout/total.test.ts:58:24{OFF}",
            "     57|   const shares = totalOf(thirds, voucher(10.01)).shares;",
            "     58|   expect(shares).toEqual([3.34, 3.33, 3.33]);",
            f"       |                  {RED}^{OFF}",
        ),
    ),
    Failing(
        "src/basket/summary.test.ts",
        "summary > shows what the voucher saves",
        "TestingLibraryElementError: Unable to find an element with the text: You save €10.00",
        (
            f"{RED}TestingLibraryElementError: Unable to find an element with the text: You save €10.00{OFF}",
            "",
            f" {CYAN}❯ src/basket/summary.test.ts:27:17{OFF}",
            "     26|   render(Summary, { basket, voucher: voucher(10) });",
            "     27|   expect(screen.getByText('You save €10.00')).toBeVisible();",
            f"       |                 {RED}^{OFF}",
        ),
    ),
)

#: How tests of a ledger fail, in pytest's words.
SETTLEMENT = (
    Failing(
        "tests.test_settlement",
        "test_settlement_is_idempotent_across_midnight",
        "AssertionError: assert Settlement(id=8812, total=Decimal('118.20')) == Settlement(id=8811, total=Decimal('118.20'))",
        (
            "    def test_settlement_is_idempotent_across_midnight(ledger, clock):",
            "        clock.set('2024-02-29T23:59:59Z')",
            "        first = ledger.settle(batch='B-1042')",
            "        clock.tick(2)",
            ">       assert ledger.settle(batch='B-1042') == first",
            f"{RED}E       AssertionError: assert Settlement(id=8812, total=Decimal('118.20')) == Settlement(id=8811, total=Decimal('118.20')){OFF}",
            f"{RED}E         Differing attributes: ['id']{OFF}",
            "",
            f"{RED}{BOLD}tests/test_settlement.py{OFF}:57: AssertionError",
            "----------------------------- Captured log call --------------------------------",
            "WARNING  ledger:settle.py:88 batch B-1042 was settled on another day, opening a new one",
        ),
    ),
    Failing(
        "tests.test_settlement",
        "test_a_batch_is_closed_once",
        "ledger.errors.BatchClosedError: B-1043 was closed at 00:00:01",
        (
            "    def test_a_batch_is_closed_once(ledger, clock):",
            "        clock.set('2024-02-29T23:59:59Z')",
            "        ledger.close(batch='B-1043')",
            "        clock.tick(2)",
            ">       ledger.close(batch='B-1043')",
            f"{RED}E       ledger.errors.BatchClosedError: B-1043 was closed at 00:00:01{OFF}",
            "",
            f"{RED}{BOLD}ledger/close.py{OFF}:31: BatchClosedError",
        ),
    ),
    Failing(
        "tests.test_statements",
        "test_the_months_statement_holds_its_last_day",
        "assert 30 == 31",
        (
            "    def test_the_months_statement_holds_its_last_day(ledger):",
            "        statement = ledger.statement('2024-01')",
            ">       assert len(statement.days) == 31",
            f"{RED}E       assert 30 == 31{OFF}",
            "",
            f"{RED}{BOLD}tests/test_statements.py{OFF}:22: AssertionError",
        ),
    ),
)


def _one_of(count: int) -> tuple[Case, ...]:
    """So many tests of which one fails, where nobody named them."""
    return (Case("", "", FAILED), *[Case("", "", seconds=0.1)] * (count - 1))


_NPM = Flavour(
    install=(
        Step(
            "npm ci",
            (
                "npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.",
                "",
                "added 1284 packages, and audited 1285 packages in 9s",
                "",
                f"found {GREEN}0{OFF} vulnerabilities",
            ),
        ),
    ),
    pre_build=(Step("npm run lint", ("> eslint . --max-warnings 0", "")),),
    build=(
        Step(
            "npm run build",
            (
                "> vite build",
                "",
                f"{CYAN}vite v7.1.2{OFF} building for production...",
                "transforming...",
            ),
            (f"{DIM}dist/assets/{OFF}chunk-{{n}}.js  {{n}}.{{n}} kB",),
            12,
        ),
        Step(
            "npm test",
            ("> vitest run --reporter=verbose", ""),
            (
                f" {GREEN}✓{OFF} src/basket/basket.test.ts > basket > adds line {{n}} {DIM}{{ms}}ms{OFF}",
                f" {GREEN}✓{OFF} src/price/price.test.ts > rounds to the cent for {{n}} items {DIM}{{ms}}ms{OFF}",
                f" {GREEN}✓{OFF} src/api/client.test.ts > retries {{i}} times on 503 {DIM}{{ms}}ms{OFF}",
            ),
            28,
        ),
    ),
    post_build=(Step("npm run report", ("coverage/lcov.info written",)),),
    failing_command="npm test",
    reason="exit status 1",
    failure=(
        f" {RED}×{OFF} {TOTALS[0].prefix} > {TOTALS[0].name} {RED}18ms{OFF}",
        *vitest_end(TOTALS[:1], _one_of(184), (1, 21)),
    ),
)

_PYTEST = Flavour(
    install=(
        Step(
            "pip install -r requirements.txt",
            repeat=("Collecting package-{n}", "  Using cached package-{n}.whl ({n} kB)"),
            times=8,
        ),
    ),
    pre_build=(Step("ruff check .", (f"{GREEN}All checks passed!{OFF}",)),),
    build=(
        Step(
            "pytest -q --color=yes",
            (
                f"{BOLD}============================= test session starts =============================={OFF}",
                "platform linux -- Python 3.11.9, pytest-8.3.2, pluggy-1.5.0",
                "rootdir: /codebuild/output/src1284931021/src",
            ),
            (
                f"tests/test_ledger.py {GREEN}..........{OFF}   [{{percent}}%]",
                f"tests/test_refunds.py {GREEN}........{OFF}   [{{percent}}%]",
            ),
            20,
        ),
    ),
    post_build=(
        Step("python -m build --wheel", ("Successfully built payments-1.{n}.0-py3-none-any.whl",)),
    ),
    failing_command="pytest -q --color=yes",
    reason="exit status 1",
    failure=(
        f"tests/test_settlement.py {GREEN}....{OFF}{RED}F{OFF}{GREEN}...{OFF}   [ 97%]",
        *pytest_end(SETTLEMENT[:1], _one_of(214)),
    ),
)

_MAVEN = Flavour(
    install=(Step("java -version", ('openjdk version "21.0.4" 2024-07-16 LTS',)),),
    pre_build=(Step("mvn -B -q dependency:go-offline"),),
    build=(
        Step(
            "mvn -B verify",
            (
                "[INFO] Scanning for projects...",
                "[INFO] ----------------------< com.example:orders >----------------------",
                "[INFO] --- compiler:3.13.0:compile (default-compile) @ orders ---",
                "[INFO] Compiling 148 source files with javac [debug release 21] to target/classes",
            ),
            (
                "[INFO] Tests run: {n}, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.{n} s -- in com.example.orders.Order{n}Test",
            ),
            16,
        ),
    ),
    post_build=(Step("ls -l target/*.jar", ("-rw-r--r-- 1 root root 48211034 orders.jar",)),),
    failing_command="mvn -B verify",
    reason="exit status 1",
    failure=(
        "[ERROR] COMPILATION ERROR :",
        "[INFO] -------------------------------------------------------------",
        "[ERROR] /codebuild/output/src/orders/src/main/java/com/example/orders/Shipment.java:[88,27] cannot find symbol",
        "[ERROR]   symbol:   method plusWorkingDays(int)",
        "[ERROR]   location: variable shipped of type java.time.LocalDate",
        "[INFO] 1 error",
        "[INFO] ------------------------------------------------------------------------",
        "[INFO] BUILD FAILURE",
        "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.13.0:compile (default-compile) on project orders: Compilation failure",
    ),
)

_DOCKER = Flavour(
    install=(Step("docker version --format '{{.Server.Version}}'", ("27.2.1",)),),
    pre_build=(
        Step(
            "aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY",
            ("Login Succeeded",),
        ),
    ),
    build=(
        Step(
            "docker build -t $REPOSITORY:$IMAGE_TAG .",
            ('#0 building with "default" instance using docker driver',),
            ("#1{i} [build {i}/9] RUN go build ./cmd/service-{i}", "#1{i} DONE {n}.{n}s"),
            14,
        ),
        Step("docker push $REPOSITORY:$IMAGE_TAG", (), ("{sha}: Pushed",), 5),
    ),
    post_build=(
        Step(
            'printf \'[{"name":"app","imageUri":"%s"}]\' $REPOSITORY:$IMAGE_TAG > imagedefinitions.json'
        ),
    ),
    failing_command="docker build -t $REPOSITORY:$IMAGE_TAG .",
    reason="exit status 1",
    failure=(
        "#17 [build 7/9] RUN go test ./...",
        "#17 4.812 --- FAIL: TestRouterKeepsTrailingSlash (0.00s)",
        "#17 4.812     router_test.go:93: got 301, want 200",
        "#17 4.813 FAIL",
        "#17 4.813 FAIL\tgithub.com/example/gateway/router\t0.021s",
        f'#17 {RED}ERROR: process "/bin/sh -c go test ./..." did not complete successfully: exit code: 1{OFF}',
        "------",
        'ERROR: failed to solve: process "/bin/sh -c go test ./..." did not complete successfully: exit code: 1',
    ),
)

_TERRAFORM = Flavour(
    install=(Step("cfn-lint --version", ("cfn-lint 1.10.3",)),),
    pre_build=(Step("cfn-lint templates/*.yaml"),),
    build=(
        Step(
            "aws cloudformation package --template-file templates/network.yaml --s3-bucket $BUCKET --output-template-file packaged.yaml",
            ("Successfully packaged artifacts and wrote output template to file packaged.yaml.",),
        ),
    ),
    post_build=(
        Step(
            "cat packaged.yaml | head -3",
            (
                "AWSTemplateFormatVersion: '2010-09-09'",
                "Description: Shared network",
                "Parameters:",
            ),
        ),
    ),
    failing_command="cfn-lint templates/*.yaml",
    reason="exit status 2",
    failure=(
        "E3012 Property Resources/Subnet/Properties/CidrBlock should be of type String",
        "templates/network.yaml:41:7",
    ),
)

FLAVOURS: dict[str, Flavour] = {
    "npm": _NPM,
    "pytest": _PYTEST,
    "maven": _MAVEN,
    "docker": _DOCKER,
    "cloudformation": _TERRAFORM,
}
