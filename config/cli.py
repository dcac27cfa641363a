"""`ivr-bridge`: everything an engineer does with the service from a terminal."""

import io
import json
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from config.commands.calls import calls
from config.commands.explain import explain
from config.commands.flows import flow
from config.commands.guard import alerts, pause
from config.commands.jobs import jobs
from config.commands.keys import keys
from config.commands.policy import policy
from config.commands.terminal import SAY
from config.commands.terminal import run as _run
from config.commands.terminal import settings as _settings
from config.commands.webhooks import webhook
from config.settings import Settings, SettingsMissing
from core.faults import Fault
from core.telemetry import set_up_logging

_DATA = Path(".data")


class _Told(click.Group):
    """Expected failures end in one line that says what to do, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        # Imported here: each brings a room along, and `--help` should be quick.
        import asyncpg

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
        except asyncpg.ClientConfigurationError:
            # From nothing: the driver's own words may quote the password.
            _give_up("DATABASE_URL is none: postgresql://user:password@host:5432/database")
        except (
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
        ) as refused:
            _give_up(f"PostgreSQL says: {refused}; see DATABASE_URL")
        except asyncpg.InvalidParameterValueError:
            # Every connection takes the service's role on, which the first migration makes.
            _give_up("this database has never been migrated: run `ivr-bridge migrate` first")
        except (ConnectionError, socket.gaierror, TimeoutError) as broken:
            _give_up(f"no PostgreSQL where DATABASE_URL points: {broken.strerror or 'no answer'}")
        except OSError as broken:
            _give_up(f"{broken.strerror or broken}: {broken.filename or ''}".rstrip(": "))


def _give_up(why: str) -> NoReturn:
    SAY.print(why, style="red", markup=False)
    sys.exit(1)


@click.group(cls=_Told, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Moves callers from an IVR to a messenger, and takes the conversation over."""
    for stream in (sys.stdout, sys.stderr):
        # Not every terminal knows every letter of ours; what it does not know is shown by its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for command in (alerts, calls, explain, flow, jobs, keys, pause, policy, webhook):
    main.add_command(command)


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
        SAY.print(f"· {line}", style="dim", markup=False)

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
    done = _run(run(settings.postgres.owner_url or database_url, report=SAY.print))
    SAY.print("up to date" if not done else f"applied {len(done)}")


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
