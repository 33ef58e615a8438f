"""What can be done about settlement: open a run, collect and close its statements."""

from settlements.runs.actions.closing import advance, close, close_one, fail, retry
from settlements.runs.actions.collecting import collect
from settlements.runs.actions.holding import hold, release, resume
from settlements.runs.actions.opening import open_cycle, open_now
from settlements.runs.actions.paying import follow, pay

__all__ = [
    "advance",
    "close",
    "close_one",
    "collect",
    "fail",
    "follow",
    "hold",
    "open_cycle",
    "open_now",
    "pay",
    "release",
    "resume",
    "retry",
]
