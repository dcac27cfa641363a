"""`ivr-bridge`: everything an engineer does with the service from a terminal."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from config.guard_commands import alerts, pause
from config.keys_commands import keys
from config.settings import Settings, SettingsMissing
from config.terminal import run as _run
from config.terminal import settings as _settings
from core.faults import Fault
from core.telemetry import set_up_logging

_SAY = Console(stderr=True, highlight=False)
_DATA = Path(".data")


class _Told(click.Group):
    """Expected failures end in one line that says what to do, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # Imported here: each brings a room along, and `--help` should be quick.
        from config.demo.demo import DemoFailed
        from config.embedded import EmbeddedError
        from config.workspaces.apply import ApplyRefused
        from config.workspaces.reading import FileRefused
        from migrations.runner import DatabaseAhead, MigrationChanged

        try:
            return super().invoke(ctx)
        except (SettingsMissing, FileRefused, ApplyRefused, DemoFailed, EmbeddedError) as refused:
            _give_up(str(refused))
        except MigrationChanged as changed:
            _give_up(
                f"migration {changed} was edited after it was applied; restore it and write a new one"
            )
        except DatabaseAhead as ahead:
            _give_up(
                f"the database is newer than this version ({ahead}); upgrade the software first"
            )
        except Fault as fault:
            _give_up(fault.detail)
        except OSError as broken:
            _give_up(f"{broken.strerror or broken}: {broken.filename or ''}".rstrip(": "))


def _give_up(why: str) -> NoReturn:
    _SAY.print(why, style="red", markup=False)
    sys.exit(1)


@click.group(cls=_Told, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Moves callers from an IVR to a messenger, and takes the conversation over."""


main.add_command(keys)
main.add_command(pause)
main.add_command(alerts)


@main.command()
@click.option(
    "--data", type=click.Path(path_type=Path), default=_DATA, help="Where the demo keeps its data."
)
def demo(data: Path) -> None:
    """Run the whole product on this machine: databases, sandbox, service, one call to look at."""
    from config.demo import run_demo

    settings = Settings.read()
    set_up_logging("warning")

    def report(line: str) -> None:
        _SAY.print(f"· {line}", style="dim", markup=False)

    _run(
        run_demo(
            data, settings.web_dist, report=report, told_how=lambda facts: _show_demo(facts, data)
        )
    )


def _show_demo(facts: dict[str, Any], data: Path) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("Phone", facts["sandbox_url"], "dial the line, press 1, chat")
    table.add_row("Desk", facts["desk_url"], "take the conversation over")
    table.add_row("Reports", facts["reports_url"], "see the share move")
    table.add_row("Lines", facts["admin_url"], "add a line, try a call on it")
    table.add_row("API", facts["base_url"] + "/docs", "what an IVR calls")
    table.add_row("FastAGI", f"agi://{facts['fastagi']}", "what an Asterisk calls")
    table.add_row("Metrics", facts["metrics_url"], "of the web process")
    table.add_row("", facts["work_metrics_url"], "of the worker")
    for person in facts["people"]:
        table.add_row(f"  {person['role'].replace('_', ' ')}", person["email"], person["password"])
    out = Console(highlight=False)
    out.print("\nIVR Bridge is running. Ctrl-C stops it; the data stays.\n")
    out.print(table)
    out.print(f"\nThe same facts stand in {data / 'demo.json'}.\n", soft_wrap=True)


@main.command()
def serve() -> None:
    """Serve the HTTP API and the pages."""
    from config.serve import serve as run

    _run(run(_settings()))


@main.command()
def work() -> None:
    """Do the background work: sending, receiving, placing, rescuing."""
    from config.work import work as run

    _run(run(_settings()))


@main.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from migrations.runner import migrate as run

    settings = _settings()
    database_url, _ = settings.need_databases()
    done = _run(run(settings.postgres.owner_url or database_url, report=_SAY.print))
    _SAY.print("up to date" if not done else f"applied {len(done)}")


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's own order
    if wanted:
        from config.workspaces.model import schema

        click.echo(json.dumps(schema(), ensure_ascii=False, indent=2))
        ctx.exit()


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of workspace files, for editors.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
def apply(file: Path, *, dry_run: bool) -> None:
    """Make a workspace what FILE says. Applying it twice changes nothing."""
    from config.rooms import rooms
    from config.workspaces.apply import apply as run
    from config.workspaces.reading import read

    async def story() -> None:
        async with rooms(_settings(), application="apply", pool_size=2) as opened:
            changes = await run(opened, read(file), file.parent, dry_run=dry_run)
        for change in changes:
            click.echo(change)
        if not changes:
            click.echo("nothing to change")

    _run(story())


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the pretend messenger network and the customer's phone (see sandbox/README.md)."""
    from sandbox.server import main as run

    run(list(arguments))


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    from config.wiring import openapi_document

    click.echo(json.dumps(openapi_document(), ensure_ascii=False, indent=2))


@main.group()
def webhook() -> None:
    """Look at what providers send, and at what is sent to a company's own systems."""


@webhook.command("list")
@click.argument("workspace")
def webhook_list(workspace: str) -> None:
    """Every endpoint of WORKSPACE and what waits for it, one JSON line each."""
    from config.webhooks_at_terminal import standing

    for line in _run(standing(_settings(), workspace)):
        click.echo(json.dumps(line, default=str))


@webhook.command("resume")
@click.argument("workspace")
@click.argument("name")
@click.option("--given-up", is_flag=True, help="Send again what was given up, too.")
def webhook_resume(workspace: str, name: str, *, given_up: bool) -> None:
    """Try the endpoint NAME of WORKSPACE again, now."""
    from config.webhooks_at_terminal import resume

    revived = _run(resume(_settings(), workspace, name, given_up=given_up))
    click.echo(f"{name} is tried again" + (f", {revived} given up before" if given_up else ""))


@webhook.command("parse")
@click.argument("channel")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The workspace file that describes the SMS provider's fields.",
)
def webhook_parse(channel: str, file: Any, workspace: Path | None) -> None:
    """Read a recorded webhook body (FILE or standard input); print one JSON line an event."""
    from config.webhooks import parse_recorded

    for line in parse_recorded(channel, file.read(), workspace=workspace):
        click.echo(json.dumps(line, ensure_ascii=False))


@main.group()
def flow() -> None:
    """Check and try triage flows."""


@flow.command("check")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def flow_check(file: Path) -> None:
    """Say whether FILE may be published; exit status 1 when it may not."""
    from config.flows_at_terminal import check

    sys.exit(0 if check(file, click.echo) else 1)


@flow.command("try")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--language", default="", help="The customer's language.")
def flow_try(file: Path, language: str) -> None:
    """Chat with FILE: words, `#2` to tap an option, `!image` to send something; empty line to end."""
    from config.flows_at_terminal import talk

    talk(
        file,
        language,
        read=lambda: click.prompt("", default="", show_default=False, prompt_suffix="> "),
        say=click.echo,
    )


@main.command()
@click.argument("workspace")
@click.argument("call_id")
@click.option("--line", default=None, help="Name or number; where several lines have such a call.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--numbers", is_flag=True, help="Show the caller's number whole (on record).")
def explain(
    workspace: str, call_id: str, line: str | None, *, as_json: bool, numbers: bool
) -> None:
    """Why the call CALL_ID (or the deflection d_…) of WORKSPACE was decided as it was."""
    from config.explain_at_terminal import explained, show

    told = _run(explained(_settings(), workspace, call_id, line, numbers=numbers))
    if as_json:
        click.echo(told.model_dump_json(indent=2))
    else:
        show(told)


@main.group()
def jobs() -> None:
    """Look at work that was given up, and give it another life."""


@jobs.command("list")
@click.argument("workspace")
@click.option("--limit", default=50, show_default=True)
def jobs_list(workspace: str, limit: int) -> None:
    """Buried jobs of WORKSPACE, newest first, one JSON line each."""
    from config.jobs_at_terminal import buried

    for line in _run(buried(_settings(), workspace, limit)):
        click.echo(json.dumps(line, default=str))


@jobs.command("replay")
@click.argument("workspace")
@click.option("--kind", default=None, help="Only jobs of this kind.")
@click.option("--job", "job_id", type=click.UUID, default=None, help="Only this job.")
def jobs_replay(workspace: str, kind: str | None, job_id: Any) -> None:
    """Let buried jobs of WORKSPACE run again."""
    from config.jobs_at_terminal import replay

    click.echo(f"{_run(replay(_settings(), workspace, kind, job_id))} jobs will run again")


@main.group()
def calls() -> None:
    """The calls of your PBX: the denominator of every share."""


@calls.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--workspace", required=True, help="Whose calls these are.")
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["auto", "asterisk", "freeswitch", "csv"]),
    default="auto",
    show_default=True,
    help="Which of the tables; FreeSWITCH's JSON and XML are known by themselves.",
)
@click.option("--line", default=None, help="All incoming calls of FILE are on this line.")
@click.option("--timezone", default=None, help="Of the PBX's clock; the workspace's by default.")
@click.option(
    "--map", "mapped", multiple=True, metavar="NAME=COLUMN", help="Which column says what."
)
@click.option("--encoding", default="auto", show_default=True, help="Of FILE's text.")
@click.option("--prefix", default="", help="What your IVR puts before the PBX's call id.")
@click.option("--make-ids", is_flag=True, help="Take records that carry no call id (see the docs).")
@click.option("--undo", is_flag=True, help="Take back what the same command brought without this.")
def calls_import(file: Path, wanted: str, mapped: tuple[str, ...], **asked: Any) -> None:
    """Take the calls of FILE, each once, however often it is imported.

    FILE is a table, FreeSWITCH's JSON or XML records, or a folder of its XML records.

    Exit status: 0 everything that is yours is there; 2 some records were skipped; 1 it broke off, and
    a second run goes on.
    """
    from config import calls_at_terminal as terminal

    told = terminal.Asked(
        file=file, wanted=terminal.Format(wanted), mapped=terminal.mapping(mapped), **asked
    )
    sys.exit(_run(terminal.take(_settings(), told, _SAY, terminal.stdout())))


@main.group()
def policy() -> None:
    """The rules by which callers are offered a messenger."""


@policy.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workspace", required=True, help="Whose recorded calls are decided again.")
@click.option("--from", "since", default=None, metavar="DAY", help="The first day; a week ago.")
@click.option("--to", "until", default=None, metavar="DAY", help="The last day, included; today.")
@click.option("--line", default=None, help="One line only, by its name.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def policy_replay(file: Path, **asked: Any) -> None:
    """Try the policy in FILE on recorded calls; shows what would have changed, changes nothing.

    FILE is a workspace file, or YAML with `policy:` for every line, or with a policy under the name of
    each line.
    """
    from config import policy_at_terminal as terminal

    out = Console(highlight=False, soft_wrap=True)
    _run(terminal.try_out(_settings(), terminal.Asked(file=file, **asked), _SAY, out))
