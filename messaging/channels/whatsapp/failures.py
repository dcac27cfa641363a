"""What Meta's error codes mean for us. Branch on the code: titles and HTTP status are no guide.

Codes: developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

import re

import structlog

from messaging.channel import Failure, FailureClass
from messaging.channels.whatsapp.wire import mapping, sequence, text

log = structlog.get_logger()

CLASS_BY_CODE: dict[int, FailureClass] = {
    **dict.fromkeys((2, 4, 80007, 130429, 131000, 131016, 131057, 133004), FailureClass.TRANSIENT),
    131056: FailureClass.PAIR_RATE,
    131026: FailureClass.NOT_ON_CHANNEL,
    **dict.fromkeys((131021, 131030, 130403, 131062, 137000), FailureClass.RECIPIENT),
    131050: FailureClass.OPTED_OUT,
    **dict.fromkeys((131049, 130472), FailureClass.NOT_TODAY),
    131047: FailureClass.WINDOW_CLOSED,
    **dict.fromkeys(
        (100, 131008, 131009, 131051, 131052, 131053, 135000), FailureClass.OUR_REQUEST
    ),
    **dict.fromkeys((132000, 132001, 132005, 132007, 132012, 132018), FailureClass.OUR_REQUEST),
    **dict.fromkeys((132015, 132016), FailureClass.TEMPLATE),
    **dict.fromkeys((0, 3, 10, 190, 33, 368, *range(200, 300)), FailureClass.ACCOUNT),
    **dict.fromkeys(
        (130497, 131005, 131031, 131037, 131042, 131045, 131048, 131064), FailureClass.ACCOUNT
    ),
    **dict.fromkeys(range(133005, 133017), FailureClass.ACCOUNT),
}

_NUMBERS = re.compile(r"\+?\d{7,}")
_LONGEST_DETAIL = 200


def failure(error: object) -> Failure:
    """The meaning of one Meta error object, from a reply or from a webhook."""
    found = mapping(error)
    code = text(found.get("code")) or ""
    known = CLASS_BY_CODE.get(int(code)) if _is_code(code) else None
    if known is None:
        log.warning("whatsapp.code_unknown", code=code if _is_code(code) else None)
    return Failure(known or FailureClass.UNKNOWN, code, _detail(found))


def first_failure(errors: object) -> Failure:
    """The meaning of a webhook's `errors[]`; Meta puts one thing there."""
    found = sequence(errors)
    return failure(found[0] if found else None)


def _is_code(code: str) -> bool:
    return code.isascii() and code.isdigit() and len(code) < len("1000000000")


def _detail(error: object) -> str:
    """Meta's sentence, without any number of a person in it."""
    found = mapping(error)
    sentence = (
        text(mapping(found.get("error_data")).get("details"))
        or text(found.get("message"))
        or text(found.get("title"))
        or ""
    )
    return _NUMBERS.sub("…", sentence)[:_LONGEST_DETAIL]


__all__ = ["CLASS_BY_CODE", "failure", "first_failure"]
