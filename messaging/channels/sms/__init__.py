"""SMS through whatever HTTP provider a company has, as its workspace file describes it.

Account.secrets: `provider`, a `Provider` as JSON (addresses and headers carry credentials).
Account.external_id: the sender's name or number. Account.settings: `messages_per_second`.
"""

from messaging.channels.sms.adapter import CAPABILITIES, Sms
from messaging.channels.sms.provider import Provider

__all__ = ["CAPABILITIES", "Provider", "Sms"]
