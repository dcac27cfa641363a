"""Titles and definitions of what compares a candidate policy with the live one."""

from collections.abc import Mapping

from ivr_bridge.reports.words import Language, Word, Words

SHADOW: Mapping[Language, Words] = {
    Language.EN: Words(
        "Candidate policy",
        "What the live policy answered before offers, and what the line's candidate, as it stands now,"
        " would have answered to the same calls. The candidate decides beside the live policy and has no"
        " effect. “ok” is an offer; a total's share is the part in which both agree.",
        {
            "line": Word("Line", "The line that was called."),
            "live": Word("Answered", "Why, in the words of the API; “ok” is an offer."),
            "candidate": Word("Candidate", "What the candidate would have answered."),
            "agrees": Word("Agrees", "Both answered the same, for the same reason."),
            "answers": Word("Answers", "Answers before an offer; a call may ask several times."),
            "share": Word("Share", "Of the line's answers; in the total, of those that agree."),
        },
    ),
    Language.RU: Words(
        "Пробная политика",
        "Что действующая политика ответила перед предложением и что на те же звонки ответила бы пробная"
        " политика линии, какой она сейчас описана. Пробная решает рядом с действующей и ни на что не"
        " влияет. «ok» — предложение; доля в итоге — часть, в которой обе согласны.",
        {
            "line": Word("Линия", "Линия, на которую звонили."),
            "live": Word("Ответ", "Почему, словами API; «ok» — предложение."),
            "candidate": Word("Пробная", "Что ответила бы пробная политика."),
            "agrees": Word("Согласны", "Обе ответили одинаково, по одной причине."),
            "answers": Word(
                "Ответы", "Ответы перед предложением; в одном звонке их бывает несколько."
            ),
            "share": Word("Доля", "От ответов линии; в итоге — доля совпавших."),
        },
    ),
}
