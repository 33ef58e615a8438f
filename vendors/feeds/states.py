"""A feed is received, runs, and is finished or failed; a failed one can be resumed where it stopped."""

from enum import StrEnum


class FeedState(StrEnum):
    RECEIVED = "received"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FeedVerb(StrEnum):
    START = "start"
    RESUME = "resume"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


S, V = FeedState, FeedVerb
FEED_STATES: dict[tuple[FeedState, FeedVerb], FeedState] = {
    (S.RECEIVED, V.START): S.RUNNING,
    (S.RUNNING, V.START): S.RUNNING,
    (S.RUNNING, V.FINISH): S.FINISHED,
    (S.RUNNING, V.FAIL): S.FAILED,
    (S.FAILED, V.RESUME): S.RUNNING,
    (S.RUNNING, V.RESUME): S.RUNNING,
    (S.RECEIVED, V.CANCEL): S.CANCELLED,
    (S.RUNNING, V.CANCEL): S.CANCELLED,
}
