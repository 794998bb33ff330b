"""Pure rules: observations in time order become incidents, with hold times and hysteresis.

``Observation | NotAssessed`` enter; ``Opened | Closed`` leave. The same items always make the
same incidents. Facts before the exam began (``at_s`` < 0) never make one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proctor.exams.thresholds import ExamRules
from proctor.incidents.kinds import (
    IDENTITY_KINDS,
    Change,
    Closed,
    Evidence,
    Incident,
    Kind,
    Opened,
    Severity,
    severity_of,
)
from proctor.media.pace import EXPECTED, Pace
from proctor.observations import Check, NotAssessed, Observation, Track

__all__ = [
    "IDENTITY_KINDS",
    "Change",
    "Closed",
    "Incident",
    "Kind",
    "Opened",
    "Severity",
    "State",
    "finish",
    "is_overdue",
    "run",
    "step",
]

# a sampled fact ends when two looks at 1 Hz, the first and one 2 s later, find it gone
_CLEAR_S = 2.0
# looks further apart than this say nothing about the time between them, at a pace that allows more
_SAMPLE_GAP_S = 3.0
# checks without which nobody is compared: of the frame, and of the face with the reference
_COMPARING = frozenset({Check.FACE.value, "identity"})
# typing of one earlier sitting differs too often from the next for an incident about a person
_SESSIONS = 2
#: name of the fact that a proctor paused the exam: nothing begun before it goes on after it
PAUSED = "paused"
#: names of the facts that a learner who may take breaks leaves for one, and is back
BREAK_BEGAN, BREAK_ENDED = "break_began", "break_ended"
#: names of the facts that a learner goes to the test of the exam on another site, and is back
TEST_OPENED, TEST_LEFT = "test_opened", "test_left"
#: why what an open test makes expected is no incident
AT_THE_TEST = "external_test"
_AWAY_AT_THE_TEST = frozenset({Kind.PAGE_HIDDEN, Kind.FOCUS_LOST, Kind.FULLSCREEN_LEFT})
# what a break makes expected
_IN_A_BREAK = frozenset({Kind.FACE_ABSENT, Kind.IDENTITY_NOT_ASSESSED})
# reasons of a face check that stopped answering, and of comparisons that decide nothing
_SILENT, _INCONCLUSIVE = "silent", "inconclusive"
# reason for which nobody is compared any more
_WITHDRAWN = "consent_withdrawn"

#: an incident that is open already says why the other cannot be measured
_EXPLAINED_BY: Mapping[Kind, frozenset[Kind]] = {
    Kind.FACE_ABSENT: frozenset({Kind.CAMERA_COVERED}),
    Kind.TOO_DARK: frozenset({Kind.CAMERA_COVERED}),
    Kind.IDENTITY_NOT_ASSESSED: frozenset({Kind.FACE_ABSENT, Kind.CAMERA_COVERED}),
    Kind.PICTURE_REPEATS: frozenset({Kind.CAMERA_FROZEN}),
    # aside is measured from where the enrolled person mostly looks
    Kind.LOOKING_AWAY: frozenset({Kind.FACE_MISMATCH, Kind.CAMERA_FROZEN}),
    Kind.FOCUS_LOST: frozenset({Kind.PAGE_HIDDEN}),
    Kind.MEDIA_GAP: frozenset({Kind.SCREEN_SHARE_LOST}),
}

_BEGINS = {
    "page_hidden": Kind.PAGE_HIDDEN,
    "focus_lost": Kind.FOCUS_LOST,
    "fullscreen_left": Kind.FULLSCREEN_LEFT,
    "screen_ended": Kind.SCREEN_SHARE_LOST,
    "program_camera": Kind.VIRTUAL_CAMERA,
}
_ENDS = {
    "page_shown": Kind.PAGE_HIDDEN,
    "focus_gained": Kind.FOCUS_LOST,
    "fullscreen_entered": Kind.FULLSCREEN_LEFT,
    "screen_shared": Kind.SCREEN_SHARE_LOST,
    "device_camera": Kind.VIRTUAL_CAMERA,
}
#: facts that hold from one event to the next, without being looked at in between
_LASTING = frozenset({*_BEGINS.values(), Kind.MEDIA_GAP})
#: facts of single pictures: two looks at least to open, a clear stretch to close
_SAMPLED = frozenset(
    {
        Kind.FACE_ABSENT,
        Kind.MULTIPLE_FACES,
        Kind.CAMERA_COVERED,
        Kind.CAMERA_FROZEN,
        Kind.TOO_DARK,
        Kind.LOOKING_AWAY,
        Kind.PHONE_VISIBLE,
    }
)

Item: TypeAlias = Observation | NotAssessed
#: a kind, and the track it is about ("" when the kind needs none)
Subject: TypeAlias = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class _Signal:
    """One item's word on one subject. ``may_open`` False: begins the span, opens nothing."""

    subject: Subject
    holds: bool
    evidence: Evidence = field(default_factory=dict)
    may_open: bool = True
    since_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """A fact that holds or has just stopped. ``seen_s``: last look that found it."""

    since_s: float
    seen_s: float
    evidence: Evidence
    opened_s: float | None = None
    clear_s: float | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the rules remember between two items.

    ``face_s``: last word of the face check, or since when one is awaited; None in a pause.
    ``gap_s``: looks further apart than this say nothing about the time between them.
    """

    now_s: float = 0.0
    face_s: float | None = 0.0
    spans: Mapping[Subject, _Span] = field(default_factory=dict)
    on_break: bool = False
    at_test: bool = False
    gap_s: float = _SAMPLE_GAP_S

    def is_open(self, kind: Kind) -> bool:
        return any(
            subject[0] == kind and span.opened_s is not None for subject, span in self.spans.items()
        )


def step(rules: ExamRules, state: State, item: Item) -> tuple[State, tuple[Change, ...]]:
    """The state after *item* and what it opened and closed, in that order of time."""
    at_s = state.now_s if item.at_s is None else item.at_s
    if at_s < 0:
        return _heard(state, item, 0.0), ()
    if isinstance(item, Observation) and (item.check, item.name) == (Check.PROCTOR, PAUSED):
        now_s = max(state.now_s, at_s)
        forgotten = replace(state, now_s=now_s, face_s=None, spans={})
        return forgotten, finish(rules, state, at_s)
    if state.face_s is None:
        state = replace(state, face_s=at_s)
    state, changes = _advance(rules, state, at_s)
    if isinstance(item, Observation) and item.check == Check.PROCTOR:
        state = replace(state, on_break=_is_on_break(state, item))
        state, change = _at_test(state, item, at_s)
        changes += change
    state = replace(state, gap_s=_gap_s(state, item))
    for signal in _signals(state, item, at_s):
        state, change = _apply(rules, state, signal, at_s)
        changes += change
    if _is_paste(rules, item):
        changes += _paste(item, at_s)
    return replace(_heard(state, item, at_s), now_s=max(state.now_s, at_s)), changes


def is_overdue(rules: ExamRules, state: State, at_s: float) -> bool:
    """Whether a fact that lasts has lasted long enough at *at_s*, though no item said so."""
    return bool(_advance(rules, state, at_s)[1])


def run(rules: ExamRules, state: State, items: Iterable[Item]) -> tuple[State, list[Change]]:
    """The state after all *items* and what they opened and closed, in that order of time."""
    changes: list[Change] = []
    for item in items:
        state, made = step(rules, state, item)
        changes += made
    return state, changes


def finish(rules: ExamRules, state: State, at_s: float) -> tuple[Change, ...]:
    """What closes when the exam ends at *at_s*; a fact that held long enough opens first."""
    state, changes = _advance(rules, state, at_s)
    for subject, span in state.spans.items():
        if span.opened_s is not None:
            changes += (Closed(_incident(subject, span, max(at_s, span.since_s))),)
    return changes


def _hold_s(rules: ExamRules, kind: Kind) -> float:
    return {
        Kind.FACE_ABSENT: rules.face_absent_s,
        Kind.MULTIPLE_FACES: rules.multiple_faces_s,
        Kind.CAMERA_COVERED: rules.camera_covered_s,
        Kind.CAMERA_FROZEN: rules.camera_frozen_s,
        Kind.TOO_DARK: rules.too_dark_s,
        Kind.LOOKING_AWAY: rules.looking_away_s,
        Kind.PHONE_VISIBLE: rules.phone_visible_s,
        Kind.IDENTITY_NOT_ASSESSED: rules.not_assessed_s,
        Kind.SCREEN_SHARE_LOST: rules.screen_lost_s,
        Kind.PAGE_HIDDEN: rules.page_hidden_s,
        Kind.FOCUS_LOST: rules.focus_lost_s,
        Kind.FULLSCREEN_LEFT: rules.fullscreen_left_s,
        Kind.MEDIA_GAP: rules.media_gap_s,
    }.get(kind, 0.0)


def _signals(state: State, item: Item, at_s: float) -> tuple[_Signal, ...]:
    if isinstance(item, NotAssessed):
        if item.check not in _COMPARING:
            return ()
        return (_Signal((Kind.IDENTITY_NOT_ASSESSED, ""), True, {"reason": item.reason}),)
    if item.check == Check.FACE:
        return _face(state, item, at_s)
    if item.check == Check.BROWSER:
        return _browser(item)
    if item.check == Check.KEYS:
        return _typing(item)
    return _media(item) if item.check == Check.MEDIA else ()


def _too_seldom(state: State, at_s: float) -> tuple[_Signal, ...]:
    """Nothing is known of the time since the look before, when that was too long ago."""
    if state.face_s is None or at_s - state.face_s <= state.gap_s:
        return ()
    evidence: Evidence = {"reason": _SILENT}
    return (_Signal((Kind.IDENTITY_NOT_ASSESSED, ""), True, evidence, since_s=state.face_s),)


def _face(state: State, item: Observation, at_s: float) -> tuple[_Signal, ...]:
    values = item.values
    if item.name == "camera":
        return (
            _Signal((Kind.CAMERA_COVERED, ""), bool(values["covered"])),
            _Signal((Kind.TOO_DARK, ""), bool(values["dark"])),
            # sittings from before this was measured do not say
            _Signal((Kind.CAMERA_FROZEN, ""), bool(values.get("still", False))),
            _Signal((Kind.PICTURE_REPEATS, ""), bool(values.get("repeats", False))),
            *_too_seldom(state, at_s),
        )
    if item.name == "gaze":
        return (_Signal((Kind.LOOKING_AWAY, ""), bool(values["away"])),)
    if item.name == "things":
        return (_Signal((Kind.PHONE_VISIBLE, ""), bool(values["phone"])),)
    if item.name == "presentation":
        return (_Signal((Kind.SCREEN_BEFORE_CAMERA, ""), bool(values["screen"])),)
    if item.name == "identity":
        numbers: Evidence = {k: values[k] for k in ("llr", "score") if k in values}
        result = values["result"]
        mismatch = _Signal(
            (Kind.FACE_MISMATCH, ""),
            holds=result != "match",
            evidence=numbers,
            may_open=result == "no_match",
        )
        # after a decision against the reference, doubt is part of it
        is_open = result == "undecided" and not state.is_open(Kind.FACE_MISMATCH)
        doubt: Evidence = {"reason": _INCONCLUSIVE} if is_open else {}
        return (mismatch, _Signal((Kind.IDENTITY_NOT_ASSESSED, ""), is_open, doubt))
    if item.name != "faces":
        return ()
    count = int(values["count"])
    signals = (
        _Signal((Kind.FACE_ABSENT, ""), count == 0),
        _Signal((Kind.MULTIPLE_FACES, ""), count > 1, {"faces": count}),
    )
    failing = state.spans.get((Kind.IDENTITY_NOT_ASSESSED, ""))
    if failing is not None and failing.evidence.get("reason") == _WITHDRAWN:
        return (*signals, _Signal((Kind.IDENTITY_NOT_ASSESSED, ""), True))
    # a face in the picture and no failure for a while: the check is at work again
    if failing is not None and count > 0 and _has_passed(failing, state.gap_s, at_s):
        return (*signals, _Signal((Kind.IDENTITY_NOT_ASSESSED, ""), False))
    return signals


def _browser(item: Observation) -> tuple[_Signal, ...]:
    if item.name in _BEGINS:
        return (_Signal((_BEGINS[item.name], ""), True),)
    if item.name in _ENDS:
        return (_Signal((_ENDS[item.name], ""), False),)
    return ()


def _typing(item: Observation) -> tuple[_Signal, ...]:
    """The sitting's typing so far; without two earlier sittings it says nothing of the person."""
    values = item.values
    if item.name == "windows":
        numbers: Evidence = {k: values[k] for k in ("llr", "keys") if k in values}
        mismatch = values["state"] == "inconsistent" and int(values["sessions"]) >= _SESSIONS
        return (_Signal((Kind.TYPING_MISMATCH, ""), mismatch, numbers),)
    if item.name == "hands":
        made: Evidence = {"keys": values["keys"]} if values["automated"] else {}
        return (_Signal((Kind.AUTOMATED_TYPING, ""), bool(values["automated"]), made),)
    return ()


def _media(item: Observation) -> tuple[_Signal, ...]:
    if item.name not in ("silent", "resumed"):
        return ()
    track, silent = str(item.values["track"]), item.name == "silent"
    why: Evidence = {"cause": item.values["cause"]} if "cause" in item.values else {}
    gap = _Signal((Kind.MEDIA_GAP, track), silent, {"track": track, **why})
    if track == Track.SCREEN and item.name == "resumed":
        return (_Signal((Kind.SCREEN_SHARE_LOST, ""), False), gap)
    return (gap,)


def _gap_s(state: State, item: Item) -> float:
    """How far looks may lie apart at the pace that the page says it sends at."""
    if not isinstance(item, Observation) or (item.check, item.name) != (Check.MEDIA, "pace"):
        return state.gap_s
    silence_s = EXPECTED[Pace(str(item.values["pace"]))].silence_s
    return max(_SAMPLE_GAP_S, silence_s[Track.CAMERA])


def _has_passed(failing: _Span, gap_s: float, at_s: float) -> bool:
    reason = failing.evidence.get("reason")
    if reason == _INCONCLUSIVE:
        # only a comparison that decides ends it
        return False
    # a look that came late says nothing of the next one
    return at_s - failing.seen_s > (0.0 if reason == _SILENT else gap_s)


def _silence(rules: ExamRules, state: State, at_s: float) -> tuple[_Signal, ...]:
    """The face check has said nothing for too long, or never spoke: not a clean result."""
    if state.face_s is None or at_s - state.face_s < rules.not_assessed_s:
        return ()
    if state.is_open(Kind.IDENTITY_NOT_ASSESSED) or state.is_open(Kind.FACE_ABSENT):
        return ()
    subject, evidence = (Kind.IDENTITY_NOT_ASSESSED, ""), Evidence(reason=_SILENT)
    return (_Signal(subject, True, evidence, since_s=state.face_s),)


def _apply(
    rules: ExamRules, state: State, signal: _Signal, at_s: float
) -> tuple[State, tuple[Change, ...]]:
    span = state.spans.get(signal.subject)
    if signal.holds:
        return _hold(rules, state, signal, span, at_s)
    if span is None:
        return state, ()
    kind = signal.subject[0]
    if span.opened_s is None:
        return _without(state, signal.subject), ()
    clear_s = at_s if span.clear_s is None else span.clear_s
    if kind in _SAMPLED and at_s - clear_s < _CLEAR_S:
        return _with(state, signal.subject, replace(span, clear_s=clear_s)), ()
    closed = Closed(_incident(signal.subject, span, max(clear_s, span.since_s)))
    return _without(state, signal.subject), (closed,)


def _hold(
    rules: ExamRules, state: State, signal: _Signal, span: _Span | None, at_s: float
) -> tuple[State, tuple[Change, ...]]:
    kind = signal.subject[0]
    since_s = at_s if signal.since_s is None else signal.since_s
    if span is None or _is_stale(kind, span, state.gap_s, at_s):
        span = _Span(since_s, at_s, _first(kind, signal.evidence))
    else:
        evidence = _merged(span.evidence, signal.evidence)
        span = replace(span, seen_s=at_s, clear_s=None, evidence=evidence)
    if span.opened_s is None and _is_explained(state, signal.subject):
        span = replace(span, since_s=at_s)
    elif span.opened_s is None and signal.may_open and _is_due(rules, kind, span, at_s):
        at_test = state.at_test and kind in _AWAY_AT_THE_TEST
        span = replace(span, opened_s=at_s, because=AT_THE_TEST if at_test else None)
        opened = Opened(_incident(signal.subject, span, None))
        return _with(state, signal.subject, span), (opened,)
    return _with(state, signal.subject, span), ()


def _is_due(rules: ExamRules, kind: Kind, span: _Span, at_s: float) -> bool:
    if kind in _SAMPLED and int(span.evidence["samples"]) < 2:
        return False
    return at_s - span.since_s >= _hold_s(rules, kind)


def _advance(rules: ExamRules, state: State, at_s: float) -> tuple[State, tuple[Change, ...]]:
    """Open what has lasted long enough, though nothing was heard of it in between."""
    changes: tuple[Change, ...] = ()
    for subject, span in state.spans.items():
        if subject[0] in _LASTING and span.opened_s is None and at_s > span.since_s:
            state, change = _hold(rules, state, _Signal(subject, True), span, at_s)
            changes += change
    for signal in _silence(rules, state, at_s):
        state, change = _apply(rules, state, signal, at_s)
        changes += change
    return state, changes


def _is_explained(state: State, subject: Subject) -> bool:
    """Whether a break, or an open incident, already says why the subject cannot be measured."""
    if subject == (Kind.MEDIA_GAP, Track.CAMERA):
        return False
    if state.on_break and subject[0] in _IN_A_BREAK:
        return True
    return any(state.is_open(other) for other in _EXPLAINED_BY.get(subject[0], ()))


def _is_on_break(state: State, item: Observation) -> bool:
    return {BREAK_BEGAN: True, BREAK_ENDED: False}.get(item.name, state.on_break)


def _at_test(state: State, item: Observation, at_s: float) -> tuple[State, tuple[Change, ...]]:
    """Whether the learner is at the test; what still holds when they are back begins anew."""
    if item.name == TEST_OPENED:
        return replace(state, at_test=True), ()
    if item.name != TEST_LEFT:
        return state, ()
    changes: tuple[Change, ...] = ()
    for subject, span in state.spans.items():
        if subject[0] in _AWAY_AT_THE_TEST and (span.opened_s is None or span.because):
            if span.opened_s is not None:
                changes += (Closed(_incident(subject, span, at_s)),)
            state = _with(state, subject, _Span(at_s, at_s, dict(span.evidence)))
    return replace(state, at_test=False), changes


def _is_stale(kind: Kind, span: _Span, gap_s: float, at_s: float) -> bool:
    """Whether a pending span of looks was interrupted."""
    return kind in _SAMPLED and span.opened_s is None and at_s - span.seen_s > gap_s


def _first(kind: Kind, evidence: Evidence) -> Evidence:
    return dict(evidence) if kind in _LASTING else {"samples": 1, **evidence}


def _merged(old: Evidence, new: Evidence) -> Evidence:
    """Most faces, lowest score, newest reason, number of looks; the first cause and the newest."""
    merged = {**old, **new}
    if merged.get("cause") != old.get("cause", merged.get("cause")):
        merged["cause"], merged["later_cause"] = old["cause"], new["cause"]
    for name, choose in (("faces", max), ("llr", min), ("score", min)):
        if name in old and name in new:
            merged[name] = choose(float(old[name]), float(new[name]))
    if "faces" in merged:
        merged["faces"] = int(merged["faces"])
    if old.get("reason") == _WITHDRAWN:
        merged["reason"] = _WITHDRAWN
    if "samples" in old:
        merged["samples"] = int(old["samples"]) + 1
    return merged


def _incident(subject: Subject, span: _Span, end_s: float | None) -> Incident:
    assert span.opened_s is not None, "only opened spans are incidents"
    return Incident(
        kind=subject[0],
        severity=severity_of(subject[0]),
        start_s=span.since_s,
        end_s=end_s,
        opened_s=span.opened_s,
        evidence=dict(span.evidence),
        because=span.because,
    )


def _is_paste(rules: ExamRules, item: Item) -> bool:
    return (
        isinstance(item, Observation)
        and item.check == Check.BROWSER
        and item.name in ("paste", "inserted")
        and int(item.values["chars"]) >= rules.paste_chars
    )


def _paste(item: Item, at_s: float) -> tuple[Change, ...]:
    assert isinstance(item, Observation)
    evidence: Evidence = {"chars": int(item.values["chars"])}
    opened = Incident(Kind.PASTE, severity_of(Kind.PASTE), at_s, None, at_s, evidence)
    return Opened(opened), Closed(replace(opened, end_s=at_s))


def _heard(state: State, item: Item, at_s: float) -> State:
    if item.check != Check.FACE:
        return state
    return replace(state, face_s=max(at_s, state.face_s or 0.0))


def _with(state: State, subject: Subject, span: _Span) -> State:
    return replace(state, spans={**state.spans, subject: span})


def _without(state: State, subject: Subject) -> State:
    spans = {key: span for key, span in state.spans.items() if key != subject}
    return replace(state, spans=spans)
