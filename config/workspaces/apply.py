"""Make a workspace what its file says, in one transaction, and tell what that changed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.rooms import Rooms
from config.workspaces.model import WorkspaceFile
from config.workspaces.parts import LinePart, PersonPart, WebhookPart
from core.access import Right, Role, Workspace, audit
from core.access.keys import put_key, revoke_others
from core.access.workspaces import put_workspace
from core.ids import AccountId, PersonId, QueueId
from core.outgoing import EndpointDraft, put_endpoints
from core.postgres import Tx
from core.queries import load
from handoff.routing.operators import enrol
from handoff.routing.queues import QueueDraft, put_members, put_queue
from handoff.triage.flow import Flow
from handoff.triage.flows import publish
from handoff.triage.trial import check_file
from ivr_bridge.dialects.secrets import put_secrets
from ivr_bridge.dialects.signatures import Signer
from ivr_bridge.evidence import Confirm
from ivr_bridge.line import Consent, LineDraft, OpeningUse
from ivr_bridge.lines import put_line, put_unwanted
from messaging.accounts import put_account
from messaging.templates import TemplateDraft, put_template

SQL = load(Path(__file__).with_name("state.sql"))
Things = Mapping[tuple[str, str], Mapping[str, Any]]


class ApplyRefused(Exception):
    """The file cannot become true; the text says why. Nothing was changed."""


class _OnlyLooking(Exception):
    """Undo everything: it was a dry run."""


async def apply(
    rooms: Rooms, file: WorkspaceFile, folder: Path, *, dry_run: bool = False
) -> Sequence[str]:
    """Apply a file (its flows are beside it in `folder`); what changed, one line a thing."""
    flows = _readable_flows(file, folder)
    workspace_id = await rooms.workspaces.reserve_number(file.workspace.name)
    changes: list[str] = []
    try:
        async with rooms.database.workspace(workspace_id) as tx:
            before = await _things(tx)
            await _write(rooms, tx, file, flows)
            changes = _differences(before, await _things(tx))
            if dry_run:
                raise _OnlyLooking
            if changes:
                await audit.note(
                    tx,
                    action="workspace.applied",
                    actor_kind="command",
                    actor_id=None,
                    subject=file.workspace.name,
                    facts={"changes": len(changes)},
                )
    except _OnlyLooking:
        pass
    return changes


def _readable_flows(file: WorkspaceFile, folder: Path) -> Mapping[str, Flow]:
    flows = {}
    for part in file.flows:
        path = folder / part.file
        if not path.is_file():
            raise ApplyRefused(f"flows.{part.name}: there is no file {path}")
        report = check_file(path)
        if report.flow is None or not report.publishable:
            lines = "\n".join(report.lines())
            raise ApplyRefused(f"flows.{part.name} may not be published:\n{lines}")
        if report.flow.flow != part.name:
            raise ApplyRefused(f"flows.{part.name}: {path} calls itself {report.flow.flow!r}")
        flows[part.name] = report.flow
    return flows


async def _write(rooms: Rooms, tx: Tx, file: WorkspaceFile, flows: Mapping[str, Flow]) -> None:
    settings: dict[str, Any] = {"accent": file.workspace.accent} if file.workspace.accent else {}
    if budget := file.budget.model_dump(exclude_defaults=True):
        settings["budget"] = budget
    if file.costs is not None:
        settings["costs"] = file.costs.model_dump(mode="json")
    await put_workspace(
        tx,
        Workspace(
            tx.workspace_id,
            file.workspace.name,
            file.workspace.title,
            file.timezone,
            file.languages,
            settings,
        ),
    )
    accounts = {
        part.name: await put_account(tx, rooms.sealer, part.draft()) for part in file.channels
    }
    await _put_templates(tx, file, accounts)
    await put_endpoints(tx, rooms.sealer, [_endpoint(part) for part in file.webhooks])
    queues = await _put_queues(tx, file)
    for position, flow in enumerate(flows.values()):
        await publish(tx, flow, at=rooms.clock(), default=position == 0)
    for line in file.lines:
        await _put_line(rooms, tx, line)
    await put_unwanted(tx, file.do_not_contact)
    members: dict[QueueId, list[PersonId]] = {queue_id: [] for queue_id in queues.values()}
    for person in file.people:
        person_id = await _put_person(rooms, tx, person)
        for name in person.queues:
            members[queues[name]].append(person_id)
    for queue_id, people in members.items():
        await put_members(tx, queue_id, people)


async def _put_templates(tx: Tx, file: WorkspaceFile, accounts: Mapping[str, AccountId]) -> None:
    for part in file.templates:
        draft = TemplateDraft(
            account_id=accounts[part.channel],
            name=part.name,
            language=part.language,
            category=part.category,
            body=part.body,
            footer=part.footer,
            parameters=part.parameters,
            buttons=part.buttons,
            ttl_s=part.ttl_s,
        )
        await put_template(tx, draft)


async def _put_queues(tx: Tx, file: WorkspaceFile) -> dict[str, QueueId]:
    return {
        part.name: await put_queue(
            tx,
            QueueDraft(
                name=part.name,
                title=part.title,
                reservation_s=part.reservation_s,
                unanswered_s=part.unanswered_s,
                wrapup_s=part.wrapup_s,
                reopen_s=part.reopen_within_s,
                default=position == 0,
            ),
        )
        for position, part in enumerate(file.queues)
    }


def _endpoint(part: WebhookPart) -> EndpointDraft:
    return EndpointDraft(
        name=part.name,
        url=part.url,
        events=[event.value for event in part.events],
        secret=part.secret,
        secret_previous=part.secret_previous,
        private=part.private,
        include_caller=part.include_caller,
    )


async def _put_line(rooms: Rooms, tx: Tx, part: LinePart) -> None:
    draft = LineDraft(
        name=part.name,
        title=part.title,
        numbers=part.numbers,
        country=part.country,
        account=part.channel,
        flow=part.flow,
        queue=part.queue,
        callback_queue=part.callback_queue,
        opening={
            language: OpeningUse(opening.template, tuple(opening.parameters))
            for language, opening in part.opening.items()
        },
        consent=Consent(
            method=part.consent.method,
            prompt_version=part.consent.prompt_version,
            text=part.consent.text,
            require_explicit=part.consent.require_explicit,
        ),
        confirm=Confirm(part.confirm),
        grace_ms=part.grace_ms,
        deadline_ms=part.deadline_ms,
        rescue_after_s=part.rescue_after_s,
        repeat_call_s=part.repeat_call_s,
        declined_s=part.declined_s,
        continue_to=part.continue_to,
        prompts=part.prompts,
        goodbye=part.goodbye,
        terms=part.terms,
        enabled=part.enabled,
    )
    line_id = await put_line(tx, draft)
    signing = {signer: getattr(part.signing, signer.value) for signer in Signer}
    await put_secrets(tx, rooms.sealer, line_id, signing)
    await _put_keys(tx, part)


async def _put_keys(tx: Tx, part: LinePart) -> None:
    """The line's own keys; those that were issued from the command line are none of the file's."""
    name = f"line {part.name}"
    keys = [key for key in (part.key, part.key_previous) if key is not None]
    for key in keys:
        if not await put_key(
            tx, name=name, key=key, scopes=["ivr"], lines=[part.name], networks=part.networks
        ):
            raise ApplyRefused(
                f"lines.{part.name}.key: another workspace uses this key, or it was revoked;"
                " make a new one"
            )
    await revoke_others(tx, name=name, keep=keys)
    # Nobody can send what stands for an address: it only has to be the same at the next `apply`.
    nobodys = f"{tx.workspace_id}/{part.name}/without a key"
    name = f"line {part.name} without a key"
    if part.keyless_networks and not await put_key(
        tx,
        name=name,
        key=nobodys,
        scopes=["ivr"],
        lines=[part.name],
        networks=part.keyless_networks,
        by_address=True,
    ):
        raise ApplyRefused(
            f"lines.{part.name}.keyless_networks: this was revoked; issue a key for the addresses"
        )
    await revoke_others(tx, name=name, keep=[nobodys] if part.keyless_networks else [])


async def _put_person(rooms: Rooms, tx: Tx, part: PersonPart) -> PersonId:
    # The first password comes from the file; afterwards it is the person's own.
    known = await rooms.people.with_email(tx, part.email)
    person_id = await rooms.people.put(
        tx,
        email=part.email,
        name=part.name,
        roles=[role.value for role in part.roles],
        rights=[Right.SEE_PHONE.value] if part.see_phone else [],
        password=part.password if known is None else None,
    )
    if {Role.OPERATOR, Role.LEAD, Role.ADMIN} & set(part.roles):
        await enrol(tx, person_id, at=rooms.clock(), capacity=part.capacity)
    return person_id


async def _things(tx: Tx) -> Things:
    rows = await tx.fetch(*SQL["things"](workspace=tx.workspace_id))
    return {(row["kind"], row["name"]): row["content"] for row in rows}


def _differences(before: Things, after: Things) -> list[str]:
    lines = []
    for kind, name in sorted(after):
        old, new = before.get((kind, name)), after[kind, name]
        if old is None:
            lines.append(f"+ {kind} {name}")
            continue
        changed = sorted(field for field in new if old.get(field) != new[field])
        if changed:
            lines.append(f"~ {kind} {name}: {', '.join(changed)}")
    return lines + [f"- {kind} {name}" for kind, name in sorted(before.keys() - after.keys())]
