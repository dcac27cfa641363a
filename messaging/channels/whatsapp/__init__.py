"""The WhatsApp Cloud API adapter.

Account.secrets: `access_token`, `app_secret`, `app_secret_previous` (optional), `verify_token`.
Account.settings: `graph_version` (default v26.0), `waba_id` (optional: whose account events to keep).
"""

from messaging.channels.whatsapp.adapter import CAPABILITIES, WhatsApp

__all__ = ["CAPABILITIES", "WhatsApp"]
