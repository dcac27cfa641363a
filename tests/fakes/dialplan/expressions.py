"""`$[ … ]`: the comparisons and sums that the recipes write."""

import re

_TOKEN = re.compile(
    r'\s*(?:"(?P<quoted>[^"]*)"|(?P<sign>!=|>=|<=|[=<>+&|-])|(?P<bare>[^\s"=<>+&|!-]+))'
)


def evaluate(text: str) -> str:
    """The value; an expression that Asterisk could not parse is empty, which is false."""
    tokens: list[tuple[str, bool]] = []
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None:
            return ""
        sign = found["sign"]
        value = found["quoted"] if found["quoted"] is not None else found["bare"]
        tokens.append((sign, True) if sign else (value, False))
        place = found.end()
    if len(tokens) != 3 or [sign for _, sign in tokens] != [False, True, False]:
        return tokens[0][0] if len(tokens) == 1 else ""
    (left, _), (sign, _), (right, _) = tokens
    return _apply(left, sign, right)


def _apply(left: str, sign: str, right: str) -> str:
    if sign == "+":
        return str(int(left) + int(right))
    numbers = re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right)
    a, b = (int(left), int(right)) if numbers else (left, right)
    compared = {"=": a == b, "!=": a != b, ">": a > b, "<": a < b}  # type: ignore[operator]
    return "1" if compared[sign] else "0"


def true(value: str) -> bool:
    """What GotoIf() takes for yes."""
    return value.strip() not in {"", "0"}
