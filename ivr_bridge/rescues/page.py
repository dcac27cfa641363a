"""The page behind a link: one way into the chat, and the other ways beside it. It runs no script."""

from html import escape
from urllib.parse import quote

from ivr_bridge.rescues.links import Followed

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

_WORDS = {
    "ru": {
        "hint": "Вы звонили нам. Продолжим в чате: так быстрее, и ждать на линии не нужно.",
        "open": "Открыть WhatsApp",
        "by_hand": "Или напишите нам в WhatsApp на номер",
        "call": "Позвонить ещё раз",
        "greeting": "Здравствуйте! Я вам звонил(а).",
    },
    "en": {
        "hint": "You called us. Let us go on in the chat: it is quicker, with no waiting on the line.",
        "open": "Open WhatsApp",
        "by_hand": "Or write to us on WhatsApp at",
        "call": "Call again",
        "greeting": "Hello! I called you just now.",
    },
}

_STYLE = """
:root { color-scheme: light dark; --ink: #16202e; --faint: #5b6675; --page: #f4f6fa; --card: #fff;
  --go: #0b7a4b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eef2f8; --faint: #a5b0c0; --page: #10151d; --card: #1a222e; --go: #2fb97c; }
  .go { color: #06150d; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page);
  color: var(--ink); font: 17px/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(100% - 32px, 420px); padding: 32px 24px; border-radius: 18px;
  background: var(--card); box-shadow: 0 8px 30px rgb(16 24 40 / 12%); text-align: center; }
h1 { margin: 0 0 8px; font-size: 22px; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: 0 0 20px; color: var(--faint); }
a { color: inherit; }
.go { display: block; padding: 15px 20px; border-radius: 12px; background: var(--go); color: #fff;
  font-weight: 600; text-decoration: none; }
.go:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
.aside { margin: 20px 0 0; font-size: 15px; }
"""


def page(followed: Followed) -> str:
    """The page in the caller's language."""
    language = followed.language if followed.language in _WORDS else "en"
    words = _WORDS[language]
    parts = [f"<h1>{escape(followed.brand)}</h1>", f"<p>{escape(words['hint'])}</p>"]
    if followed.channel == "whatsapp" and followed.number:
        greeting = followed.greeting or words["greeting"]
        parts.append(
            f'<a class="go" rel="noreferrer" href="{escape(chat_url(followed.number, greeting))}">'
            f"{escape(words['open'])}</a>"
        )
        shown = escape(followed.number)
        parts.append(f'<p class="aside">{escape(words["by_hand"])} <b>{shown}</b></p>')
    if followed.line_number:
        number = escape(followed.line_number)
        parts.append(
            f'<p class="aside"><a href="tel:{number}">{escape(words["call"])}: {number}</a></p>'
        )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(followed.brand)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def chat_url(number: str, greeting: str) -> str:
    """WhatsApp's own way to a chat with a number, with words to begin with."""
    digits = "".join(letter for letter in number if letter.isdigit())
    return f"https://wa.me/{digits}?text={quote(greeting, safe='')}"
