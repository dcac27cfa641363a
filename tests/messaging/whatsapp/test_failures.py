import pytest
from structlog.testing import capture_logs

from messaging.channel import FailureClass
from messaging.channels.whatsapp.failures import failure

# Meta's error codes, class by class.
TABLE = {
    FailureClass.TRANSIENT: [2, 4, 80007, 130429, 131000, 131016, 131057, 133004],
    FailureClass.PAIR_RATE: [131056],
    FailureClass.NOT_ON_CHANNEL: [131026],
    FailureClass.RECIPIENT: [131021, 131030, 130403, 131062, 137000],
    FailureClass.OPTED_OUT: [131050],
    FailureClass.NOT_TODAY: [131049, 130472],
    FailureClass.WINDOW_CLOSED: [131047],
    FailureClass.OUR_REQUEST: [
        *(100, 131008, 131009, 131051, 131053, 131052),
        *(132000, 132001, 132005, 132007, 132012, 132018, 135000),
    ],
    FailureClass.TEMPLATE: [132015, 132016],
    FailureClass.ACCOUNT: [
        *(0, 3, 10, 190, 200, 299, 33, 368, 130497, 131005, 131031, 131037, 131042, 131045),
        *(131048, 131064, 133005, 133010, 133016),
    ],
    FailureClass.UNKNOWN: [1, 199, 300, 131001, 133003, 133017, 999999999999],
}
CASES = [(kind, code) for kind, codes in TABLE.items() for code in codes]


@pytest.mark.parametrize(("kind", "code"), CASES)
@pytest.mark.parametrize("written", [int, str])
def test_each_code_means_what_the_table_says(kind: FailureClass, code: int, written: type) -> None:
    found = failure({"code": written(code)})
    assert (found.failure_class, found.code) == (kind, str(code))


@pytest.mark.parametrize("told", [None, {}, [], "131026", {"code": None}, {"code": "x1"}])
def test_an_error_of_no_known_shape_is_unknown(told: object) -> None:
    assert failure(told).failure_class is FailureClass.UNKNOWN


def test_the_detail_carries_no_number_and_no_novel() -> None:
    told = {"code": 131030, "error_data": {"details": "+79005550101 is not allowed. " * 30}}
    detail = failure(told).detail
    assert detail.startswith("… is not allowed.")
    assert len(detail) <= 200


def test_only_unknown_codes_are_worth_a_line() -> None:
    with capture_logs() as lines:
        failure({"code": 131026})
        failure({"code": 424242, "message": "secret words"})
    assert lines == [{"event": "whatsapp.code_unknown", "code": "424242", "log_level": "warning"}]
