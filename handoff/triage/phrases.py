"""What the bot says by itself, in four languages; a flow's own text of the same name replaces it."""

from collections.abc import Mapping
from types import MappingProxyType

FALLBACK = "en"

LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {"ru": "Русский", "en": "English", "kk": "Қазақша", "ar": "العربية"}
)
"""Languages as their speakers call them."""

PHRASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ru": {
            "rephrase": "Не совсем понял. Напишите, пожалуйста, другими словами или выберите тему. "
            "Слово «оператор» позовёт человека.",
            "cannot_read": "Я умею читать только текст и кнопки. Оператор увидит всё, что вы прислали.",
            "pick": "Выберите, пожалуйста:",
            "list_button": "Выбрать",
            "helped": "Это помогло?",
            "helped_yes": "Да, помогло",
            "helped_no": "Нет, не помогло",
            "retry": "Не получилось распознать ответ. Попробуйте ещё раз.",
            "no_cards": "Похоже на номер карты. Пожалуйста, не присылайте его в чат: "
            "он не нужен, и я его не записал.",
            "handing_over": "Передаю вас оператору. Он увидит переписку, повторять ничего не нужно.",
            "resuming": "Вернёмся к вашему вопросу.",
            "outdated": "Эта кнопка уже не действует. Вот что можно выбрать сейчас.",
            "language_pick": "На каком языке продолжим?",
            "language_changed": "Хорошо, продолжим по-русски.",
            "stopped": "Хорошо, больше не пишу. Если понадоблюсь, просто напишите.",
            "not_me": "Простите за беспокойство. Больше не напишу.",
        },
        "en": {
            "rephrase": "I did not quite get that. Please put it another way or pick a topic. "
            "The word “operator” brings a person.",
            "cannot_read": "I can read only text and buttons. An operator will see all that you sent.",
            "pick": "Please choose:",
            "list_button": "Choose",
            "helped": "Did this help?",
            "helped_yes": "Yes, it did",
            "helped_no": "No, it did not",
            "retry": "I could not make that out. Please try again.",
            "no_cards": "That looks like a card number. Please do not send it here: "
            "it is not needed, and I have not kept it.",
            "handing_over": "I am passing you to an operator, who sees this chat: "
            "no need to repeat anything.",
            "resuming": "Back to your question.",
            "outdated": "That button no longer works. Here is what you can choose now.",
            "language_pick": "Which language shall we use?",
            "language_changed": "All right, let us go on in English.",
            "stopped": "All right, I will stop here. If you need me, just write.",
            "not_me": "Sorry to have bothered you. I will not write again.",
        },
        "kk": {
            "rephrase": "Толық түсінбедім. Басқаша жазып көріңіз немесе тақырыпты таңдаңыз. "
            "«Оператор» деп жазсаңыз, адам жауап береді.",
            "cannot_read": "Мен тек мәтін мен батырмаларды оқимын. Жібергеніңізді оператор көреді.",
            "pick": "Таңдаңыз:",
            "list_button": "Таңдау",
            "helped": "Бұл көмектесті ме?",
            "helped_yes": "Иә, көмектесті",
            "helped_no": "Жоқ, көмектеспеді",
            "retry": "Жауапты тани алмадым. Қайтадан жазып көріңіз.",
            "no_cards": "Бұл карта нөміріне ұқсайды. Оны чатқа жібермеңіз: "
            "ол қажет емес, мен оны сақтаған жоқпын.",
            "handing_over": "Сізді операторға қосамын. Ол хат алмасуды көреді, қайталаудың қажеті жоқ.",
            "resuming": "Сұрағыңызға оралайық.",
            "outdated": "Бұл батырма енді жұмыс істемейді. Қазір мыналарды таңдауға болады.",
            "language_pick": "Қай тілде жалғастырамыз?",
            "language_changed": "Жақсы, қазақша жалғастырайық.",
            "stopped": "Жақсы, енді жазбаймын. Керек болсам, жаза салыңыз.",
            "not_me": "Мазалағаным үшін кешіріңіз. Енді жазбаймын.",
        },
        "ar": {
            "rephrase": "لم أفهم تمامًا. اكتب بطريقة أخرى أو اختر موضوعًا. "
            "اكتب «موظف» للتحدث مع شخص.",
            "cannot_read": "أقرأ النصوص والأزرار فقط. سيرى الموظف كل ما أرسلته.",
            "pick": "اختر من فضلك:",
            "list_button": "اختر",
            "helped": "هل أفادك هذا؟",
            "helped_yes": "نعم، أفادني",
            "helped_no": "لا، لم يفدني",
            "retry": "لم أتمكن من فهم الإجابة. حاول مرة أخرى.",
            "no_cards": "يبدو هذا رقم بطاقة. من فضلك لا ترسله هنا: لا حاجة إليه ولم أحفظه.",
            "handing_over": "أحوّلك إلى موظف يرى هذه المحادثة، فلا حاجة لتكرار أي شيء.",
            "resuming": "نعود إلى سؤالك.",
            "outdated": "هذا الزر لم يعد يعمل. هذا ما يمكنك اختياره الآن.",
            "language_pick": "بأي لغة نكمل؟",
            "language_changed": "حسنًا، نكمل بالعربية.",
            "stopped": "حسنًا، سأتوقف هنا. اكتب لي متى احتجت.",
            "not_me": "عذرًا على الإزعاج. لن أكتب مرة أخرى.",
        },
    }
)


def phrase(name: str, language: str) -> str:
    """The bot's own words, in English where it does not speak the language."""
    return PHRASES.get(language, PHRASES[FALLBACK])[name]
