"""How many short messages a text becomes on the air (3GPP TS 23.038 and 23.040)."""

_GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("^{}\\[~]|€\f")
"""Two places each."""

_ALONE, _JOINED = 160, 153
_ALONE_UCS2, _JOINED_UCS2 = 70, 67


def segments(text: str) -> int:
    """How many are sent and charged; one letter outside GSM 7-bit halves what fits."""
    if all(letter in _GSM_7 or letter in _ESCAPED for letter in text):
        places = sum(2 if letter in _ESCAPED else 1 for letter in text)
        return 1 if places <= _ALONE else -(-places // _JOINED)
    places = len(text.encode("utf-16-le")) // 2
    return 1 if places <= _ALONE_UCS2 else -(-places // _JOINED_UCS2)
