"""What the IVR says, by prompt key and language; a line's own texts come first."""

from sandbox.specs import LineSpec

TEXTS: dict[str, dict[str, str]] = {
    "welcome": {
        "ru": "Здравствуйте! Вы позвонили в «{brand}».",
        "en": "Hello, you have reached {brand}.",
    },
    "offer": {
        "ru": "Сейчас все операторы заняты, ждать около {minutes} мин. Нажмите 1, и «{brand}» "
        "продолжит разговор с вами в WhatsApp. Нажмите 2, чтобы остаться на линии.",
        "en": "All our people are busy; the wait is about {minutes} min. Press 1 and {brand} will "
        "carry on with you in WhatsApp. Press 2 to stay on the line.",
    },
    "one_moment": {"ru": "Минуту, отправляем сообщение.", "en": "One moment, we are sending it."},
    "sent_goodbye": {
        "ru": "Готово: сообщение уже у вас в WhatsApp. До свидания!",
        "en": "Done: our message is in your WhatsApp. Goodbye!",
    },
    "already_sent_goodbye": {
        "ru": "Сообщение уже ждёт вас в WhatsApp. До свидания!",
        "en": "Our message is already waiting in your WhatsApp. Goodbye!",
    },
    "not_possible": {
        "ru": "Не получилось написать вам в WhatsApp. Оставайтесь на линии, мы скоро ответим.",
        "en": "We could not reach you in WhatsApp. Please stay on the line, we will be with you.",
    },
    "stay_on_line": {
        "ru": "Оставайтесь на линии, вам ответит первый освободившийся оператор.",
        "en": "Please stay on the line; the next free person will answer.",
    },
    "person_answers": {
        "ru": "Здравствуйте, меня зовут Мария, чем могу помочь?",
        "en": "Hello, this is Mary, how can I help?",
    },
}


def known(key: object) -> bool:
    """Whether this is a prompt anybody has a text for."""
    return isinstance(key, str) and key in TEXTS


def text(line: LineSpec, key: str, language: str) -> str:
    """The words for a prompt key."""
    own = line.prompts.get(key, {}).get(language)
    words = own or TEXTS[key][language]
    minutes = max(1, round(line.voice_wait_s / 60))
    return words.replace("{brand}", line.brand).replace("{minutes}", str(minutes))
