"""The operators' addresses, as one table."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from core.access import Right
from core.faults import Invalid
from core.http import asked, for_people
from handoff.conversation.lifecycle import WrongState
from handoff.conversation.model import ConversationUnknown, NotYours, StaleEpoch
from handoff.desk import acting, contacts, objects, sending, showing, transcript
from handoff.desk.asking import Nothing, NotJson
from handoff.desk.lists import View
from handoff.desk.showing import MOST_MESSAGES, MOST_ROWS
from handoff.routing.queues import QueueUnknown
from handoff.routing.reservations import ReservationGone
from messaging.contacts import ContactUnknown
from messaging.outbox import OptedOut, WindowClosed
from messaging.templates import TemplateUnknown


def _whole(name: str, description: str, most: int | None = None) -> Mapping[str, Any]:
    limits: dict[str, Any] = {"minimum": 0} if most is None else {"minimum": 1, "maximum": most}
    return asked(name, description, type="integer", **limits)


_LIST = (
    asked("view", "Which list.", enum=list(View), default="mine"),
    asked("queue", "Only this queue."),
    asked("q", "A name, a whole number, or words said last."),
    asked("cursor", "Where the page before ended."),
    _whole("limit", "How many at most.", MOST_ROWS),
)
_STRETCH = (
    _whole("before_seq", "Only what came before this entry."),
    _whole("after_seq", "Only what came after this entry."),
    _whole("limit", "How many at most.", MOST_MESSAGES),
)
_CHANNEL = (asked("channel", "Only this channel or account."),)
_CONVERSATION = "/v1/conversations/{id}"
_RESERVATION = "/v1/reservations/{id}"
_STALE = (Invalid, NotJson, ConversationUnknown, StaleEpoch, NotYours, WrongState)
_for_operators = partial(for_people, Right.DESK)

ENDPOINTS = (
    _for_operators(
        "PUT",
        "/v1/operators/me/presence",
        acting.declare,
        "Say whether you take work",
        accepts=acting.PresenceWanted,
        answers=objects.Presence,
        faults=(Invalid, NotJson),
    ),
    _for_operators(
        "GET",
        "/v1/queues",
        showing.list_queues,
        "The queues you may see",
        answers=objects.Queues,
    ),
    _for_operators(
        "GET",
        "/v1/conversations",
        showing.list_conversations,
        "One page of a list",
        answers=objects.ConversationPage,
        parameters=_LIST,
        faults=(Invalid, QueueUnknown),
    ),
    _for_operators(
        "GET",
        _CONVERSATION,
        showing.show_conversation,
        "One conversation",
        answers=objects.Conversation,
        faults=(ConversationUnknown,),
    ),
    _for_operators(
        "GET",
        _CONVERSATION + "/messages",
        showing.list_messages,
        "A stretch of the transcript, oldest first",
        answers=transcript.MessagePage,
        parameters=_STRETCH,
        faults=(Invalid, ConversationUnknown),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/messages",
        sending.send,
        "Say something to the customer",
        accepts=sending.Draft,
        answers=transcript.Message,
        status=201,
        faults=(*_STALE, WindowClosed, OptedOut, TemplateUnknown),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/messages/{message_id}/retry",
        sending.retry,
        "Say it anew",
        accepts=sending.Again,
        answers=transcript.Message,
        status=201,
        faults=(*_STALE, sending.MessageUnknown, sending.NotRetryable, WindowClosed, OptedOut),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/read",
        acting.mark_read,
        "You have read up to here",
        accepts=acting.Seen,
        status=204,
        faults=(Invalid, NotJson, ConversationUnknown, NotYours),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/typing",
        acting.typing,
        "You are writing",
        accepts=Nothing,
        status=204,
        faults=(Invalid, ConversationUnknown, NotYours),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/close",
        acting.close,
        "You are done with the customer",
        accepts=acting.Closing,
        answers=objects.Conversation,
        faults=_STALE,
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/called",
        acting.called,
        "You called the customer back",
        accepts=acting.CalledBack,
        answers=objects.Conversation,
        faults=_STALE,
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/wrapup/end",
        acting.end_wrapup,
        "The case is filed",
        accepts=acting.AsSeen,
        answers=objects.Conversation,
        faults=_STALE,
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/transfer",
        acting.transfer,
        "Give it to a queue",
        accepts=acting.Transfer,
        answers=objects.Conversation,
        faults=(*_STALE, QueueUnknown),
    ),
    _for_operators(
        "POST",
        _RESERVATION + "/accept",
        acting.accept,
        "Take what is held out to you",
        accepts=Nothing,
        answers=objects.Conversation,
        faults=(acting.ReservationUnknown, ReservationGone),
    ),
    _for_operators(
        "POST",
        _RESERVATION + "/decline",
        acting.decline,
        "Leave it to somebody else",
        accepts=acting.Declining,
        status=204,
        faults=(Invalid, acting.ReservationUnknown, ReservationGone),
    ),
    _for_operators(
        "GET",
        "/v1/templates",
        contacts.list_templates,
        "Templates that may be sent",
        answers=objects.Templates,
        parameters=_CHANNEL,
    ),
    _for_operators(
        "GET",
        "/v1/titles",
        contacts.list_titles,
        "What people read instead of the names of slots, tags, topics and steps",
        answers=objects.Titles,
    ),
    _for_operators(
        "GET",
        "/v1/contacts/{id}",
        contacts.show_contact,
        "One customer",
        answers=objects.Contact,
        faults=(ContactUnknown,),
    ),
)
