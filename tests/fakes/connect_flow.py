"""Amazon Connect's flow language, as much as the recipe uses: blocks, branches, one caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Function = Callable[[dict[str, Any], None], dict[str, str]]


@dataclass(slots=True)
class Contact:
    """A call in Amazon Connect, what the caller presses, and what the caller met."""

    number: str
    contact_id: str
    presses: list[str] = field(default_factory=list)
    minutes: int = 0
    """How many minutes of waiting pass before an operator is free."""
    met: list[str] = field(default_factory=list)
    external: Mapping[str, str] = field(default_factory=dict)

    def walk(self, flow: Mapping[str, Any], function: Function) -> list[str]:
        """From the flow's start to its end."""
        actions = {action["Identifier"]: action for action in flow["Actions"]}
        for action in actions.values():
            moves = action["Transitions"]
            branches = [*moves.get("Errors", ()), *moves.get("Conditions", ()), moves]
            assert all(
                branch["NextAction"] in actions for branch in branches if "NextAction" in branch
            )
        place: str | None = flow["StartAction"]
        while place is not None:
            place = self._step(actions[place], function)
        return self.met

    def _step(self, action: Mapping[str, Any], function: Function) -> str | None:
        parameters, moves = action["Parameters"], action["Transitions"]
        following: str | None = moves.get("NextAction")
        match action["Type"]:
            case "InvokeLambdaFunction":
                try:
                    self.external = function(self._event(parameters), None)
                except Exception:  # noqa: BLE001 - whatever it is, Connect takes the error branch
                    return _error(moves, "NoMatchingError")
                assert all(isinstance(value, str) for value in self.external.values())
            case "Compare":
                value = self.external.get(parameters["ComparisonValue"].removeprefix("$.External."))
                return _chosen(moves, value, "NoMatchingCondition")
            case "GetParticipantInput":
                pressed = self.presses.pop(0) if self.presses else ""
                self.met.append("offer")
                return _chosen(
                    moves, pressed, "NoMatchingCondition" if pressed else "InputTimeLimitExceeded"
                )
            case "MessageParticipant":
                self.met.append(parameters["Text"].split()[0])
            case "MessageParticipantIteratively":
                self.met.append(f"music {parameters['InterruptFrequencySeconds']}")
                if self.minutes == 0:
                    self.met.append("operator")
                    return None
                self.minutes -= 1
                return _chosen(moves, "MessagesInterrupted", "NoMatchingError")
            case "TransferContactToQueue":
                self.met.append("queue")
                return None
            case "DisconnectParticipant":
                self.met.append("hung up")
        return following

    def _event(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert 0 < int(parameters["InvocationTimeLimitSeconds"]) <= 8
        contact = {
            "ContactId": self.contact_id,
            "InitialContactId": self.contact_id,
            "Channel": "VOICE",
            "LanguageCode": "en-US",
            "CustomerEndpoint": {"Address": self.number, "Type": "TELEPHONE_NUMBER"},
            "SystemEndpoint": {"Address": "+78002500000", "Type": "TELEPHONE_NUMBER"},
        }
        attributes = dict(parameters["LambdaInvocationAttributes"])
        return {
            "Details": {"ContactData": contact, "Parameters": attributes},
            "Name": "ContactFlowEvent",
        }


def _chosen(moves: Mapping[str, Any], value: str | None, otherwise: str) -> str:
    for branch in moves.get("Conditions", ()):
        if value in branch["Condition"]["Operands"]:
            return str(branch["NextAction"])
    return _error(moves, otherwise)


def _error(moves: Mapping[str, Any], kind: str) -> str:
    return str(next(each["NextAction"] for each in moves["Errors"] if each["ErrorType"] == kind))
