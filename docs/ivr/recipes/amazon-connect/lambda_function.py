"""IVR Bridge for Amazon Connect: flows ask this function, EventBridge tells it how calls go.

One function for each line. Environment: BRIDGE_URL, BRIDGE_KEY, BRIDGE_LINE. Runtime Python 3.11 or
newer, timeout 8 s; nothing to install.
"""

import json
import os
import time
import urllib.request
from datetime import datetime, timezone

URL = os.environ["BRIDGE_URL"].rstrip("/")
KEY = os.environ["BRIDGE_KEY"]
LINE = os.environ["BRIDGE_LINE"]

# A flow waits for at most 8 s, a cold start included.
DEADLINE_MS = 6000
EVENTS = {
    "INITIATED": "entered",
    "QUEUED": "queued",
    "CONNECTED_TO_AGENT": "answered",
    "DISCONNECTED": "ended",
}


def lambda_handler(event, context):
    """What a flow reads as $.External.action, .prompt and .reason; all texts, as Connect wants them."""
    if "detail-type" in event:
        return contact_event(event)
    details = event["Details"]
    parameters = dict(details.get("Parameters") or {})
    task = parameters.pop("task", "")
    call = {**parameters, **caller(details["ContactData"])}
    if task == "offer":
        told = ask("/v1/eligibility", call, known={"offer"})
        if told["action"] == "offer":
            tell(call, "offered")
    elif task == "deflect":
        pressed = now()
        told = ask("/v1/deflections", {**call, "digits": "1"}, known={"hangup"})
        tell(call, "accepted", pressed)
    else:
        tell(call, task)
        told = go_on("ok")
    return told


def contact_event(event):
    """The beginning, the queue, the operator, the end: whatever happens in no flow."""
    detail = event["detail"]
    name = EVENTS.get(detail.get("eventType"))
    if name and detail.get("channel") == "VOICE" and detail.get("initiationMethod") == "INBOUND":
        call = {"call_id": detail.get("initialContactId") or detail["contactId"], "line": LINE}
        tell({**call, "caller_withheld": True}, name, event["time"])
    return go_on("ok")


def caller(contact):
    """The call as the bridge wants it. A transfer makes a new contact of the same call."""
    endpoint = contact.get("CustomerEndpoint") or {}
    number = endpoint.get("Address") if endpoint.get("Type") == "TELEPHONE_NUMBER" else ""
    language = (contact.get("LanguageCode") or "")[:2]
    return {
        "call_id": contact.get("InitialContactId") or contact["ContactId"],
        "line": LINE,
        "caller": number or "",
        **({"language": language} if language else {}),
    }


def ask(path, call, known):
    """The bridge's answer; whatever is not a whole answer that we understand means: go on."""
    try:
        answer = send(path, {**call, "deadline_ms": DEADLINE_MS}, DEADLINE_MS / 1000 + 0.5)
        told = json.loads(answer)
        if told["action"] in known:
            return {
                "action": told["action"],
                "reason": told["reason"],
                "prompt": told["prompt_key"],
                "deflection_id": told["deflection_id"] or "",
            }
        return go_on(told.get("reason", "unknown"), told.get("prompt_key"))
    except Exception as away:  # a timeout, a refusal, half an answer: the call must go on
        print(json.dumps({"event": "bridge_away", "kind": type(away).__name__}))
        return go_on("bridge_away")


def tell(call, name, at=None):
    """Report an event; the call does not depend on it."""
    kept = {key: call[key] for key in ("call_id", "line", "caller", "caller_withheld") if key in call}
    try:
        send("/v1/calls/events", {**kept, "event": name, "at": at or now()}, 1.0)
    except Exception as away:
        print(json.dumps({"event": "event_lost", "kind": type(away).__name__}))


def send(path, body, seconds):
    request = urllib.request.Request(
        URL + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    ends = time.monotonic() + seconds
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        body = answer.read()
    if time.monotonic() > ends:
        raise TimeoutError
    return body


def go_on(reason, prompt=None):
    return {
        "action": "continue",
        "reason": reason,
        "prompt": prompt or "not_possible",
        "deflection_id": "",
    }


def now():
    return datetime.now(timezone.utc).isoformat()
