"""Workspaces, people, sessions, API keys and the audit trail."""

from core.access.keys import KeyHolder, Keys
from core.access.people import People, Person, Right, Role
from core.access.sessions import SESSION_LIFETIME, SignedIn, SignIns
from core.access.workspaces import Workspace, Workspaces

__all__ = [
    "SESSION_LIFETIME",
    "KeyHolder",
    "Keys",
    "People",
    "Person",
    "Right",
    "Role",
    "SignIns",
    "SignedIn",
    "Workspace",
    "Workspaces",
]
