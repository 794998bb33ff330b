"""One sitting before somebody who may review it: its page, its cards, and a decision about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from keystroke.features import measure_sums
from keystroke.revision import revision
from proctor.analysis import keys
from proctor.catalogue import subset, translate
from proctor.errors import Conflict, Refused
from proctor.exams.accommodations import accommodation_of
from proctor.exams.tables import Technology
from proctor.identity import enrolment
from proctor.identity.tables import SentenceCheck
from proctor.incidents.kinds import Kind
from proctor.people.tables import Account
from proctor.review import (
    claims,
    dossier,
    first_looks,
    looks,
    queue,
    sampling,
    statements,
    verdicts,
)
from proctor.review.claims import Claim
from proctor.review.dossier import Comparison, Dossier
from proctor.review.failed_looks import failed_looks
from proctor.review.own_pad import own_pad_scores
from proctor.review.precision import precision_of
from proctor.review.queue import Reviewed
from proctor.review.statements import Said
from proctor.shares.decision import OutcomeDecision
from proctor.shares.evidence import SittingEvidence, evidence_of
from proctor.shares.outcomes import decide_sitting, overruling
from proctor.shares.packs import pack
from proctor.sittings import interventions
from proctor.sittings.expiries import RecordingErased, RecordingExpired
from proctor.sittings.repairs import technologies_of
from proctor.sittings.tables import Sitting, SittingState
from web.access import ReadTx, Services, ServicesDep, Signed, Tx, Visitor
from web.errors import status_of
from web.facts import cause_in_words, fact_of, reason_in_words
from web.pages import locale_of, page
from web.proctors import typing_card
from web.proctors.card import Card, identified_s
from web.proctors.facts import DROPPED, UNSEEN, Still, player_data, trust_of
from web.proctors.feeds import absences_in, line_of
from web.proctors.forms import AlikeForm, AppealForm, SampleForm, VerdictForm
from web.proctors.narrowed import came_from
from web.proctors.timeline import LANE_HEIGHT, WIDTH, Stretch, lanes


@dataclass(frozen=True)
class Opened:
    """What a request about one sitting works with. ``reviewed``: one the visitor may review."""

    request: Request
    tx: Session
    visitor: Visitor
    at: Services
    reviewed: Reviewed

    @property
    def sitting(self) -> Sitting:
        return self.reviewed.sitting

    @property
    def account(self) -> Account:
        return self.visitor.account

    @property
    def url(self) -> str:
        return f"/review/sittings/{self.sitting.id}"

    @cached_property
    def now(self) -> datetime:
        return self.at.clock.now()

    @cached_property
    def files(self) -> Dossier:
        return dossier.dossier(self.tx, self.sitting.id)

    @cached_property
    def checks(self) -> list[Comparison]:
        return dossier.checks_of(self.tx, self.sitting.id)

    @cached_property
    def said(self) -> list[Said]:
        return statements.said_of(self.tx, self.at.vault, self.sitting)

    @cached_property
    def unlabelled(self) -> frozenset[str]:
        """Incidents whose label the visitor is not shown yet."""
        if not self.at.settings.first_look:
            return frozenset()
        return first_looks.unlabelled(self.tx, self.account, self.files.incidents, self.said)

    @property
    def exam_s(self) -> float:
        """Length of the exam, or of what has passed of it, pauses included."""
        sitting = self.sitting
        if sitting.exam_s is not None:
            return sitting.exam_s
        if sitting.started_at is None or sitting.deadline_at is None:
            return 0.0
        # the end moves on by a pause only once that is over
        over = self.now if sitting.paused_at else min(self.now, sitting.deadline_at)
        return (over - sitting.started_at).total_seconds()

    @property
    def gone(self) -> str:
        """The words for recordings that are not kept any more."""
        is_erased = self.files.expiry is not None and self.files.expiry.on_request
        return RecordingErased.key if is_erased else RecordingExpired.key

    @cached_property
    def player(self) -> dict[str, Any]:
        texts = subset(locale_of(self.request), "review.player.")
        if self.files.expiry is not None:
            texts["review.player.nothing"] = self.t(self.gone)
        recordings_dir = self.at.settings.recordings_dir
        return player_data(self.sitting, self.files, self.exam_s, recordings_dir, texts)

    def t(self, key: str, **values: object) -> str:
        return translate(locale_of(self.request), key, **values)

    def decide(
        self,
        subject: str,
        form: VerdictForm | AlikeForm | AppealForm | SampleForm,
        write: Callable[[], str],
    ) -> Response:
        """Let *write* decide about *subject* and say where the page goes on; when it is refused,
        the same page again with what is wrong and what was written."""
        was_claimed = self._claim() is not None
        try:
            claims.hold(self.tx, self.account, self.sitting.id, self.now)
            place = write()
        except (Refused, Conflict) as error:
            if not was_claimed:
                claims.release(self.tx, self.account, self.sitting.id)
            message = self.t(error.key, **error.ids)
            refused = {"subject": subject, "reason": form.reason, "message": message}
            return self.page(status_of(error), refused, chosen=subject)
        return RedirectResponse(self.url + place, 303)

    def page(
        self, status: int = 200, refused: dict[str, str] | None = None, chosen: str = ""
    ) -> HTMLResponse:
        evidence, files = evidence_of(self.tx, self.sitting), self.files
        stretch = Stretch(self.player["start_s"], self.player["end_s"])
        talk = interventions.said_in(self.tx, self.at.vault, self.sitting)
        talked = [line_of(self.t, each, self.sitting) for each in talk]
        talked += absences_in(self.t, self.tx, self.sitting)
        talked.sort(key=lambda line: line["at_s"])
        repairs = technologies_of(self.tx, self.reviewed.course.id)
        outcome = outcome_of(self.reviewed, evidence, self.now, repairs)
        return page(
            self.request,
            "review/sitting.html",
            status,
            reviewed=self.reviewed,
            files=files,
            evidence=evidence,
            exam_s=self.exam_s,
            card=self.card(chosen),
            lanes=lanes(
                stretch,
                files.incidents,
                evidence.gaps,
                self.checks,
                [line["at_s"] for line in talked],
                self.unlabelled,
            ),
            unlabelled=self.unlabelled,
            talked=talked,
            width=WIDTH,
            lane_height=LANE_HEIGHT,
            granted=self._granted(),
            claim=self._claim(),
            came_from=came_from(self.request),
            gone=self.gone,
            sample=self._sample(),
            said=self.said,
            outcome=outcome,
            overruled=overruling(
                self.tx, self.reviewed.course, self.reviewed.event, self.sitting, outcome, self.now
            ),
            typing=self._typing(evidence),
            player=self.player,
            fact=lambda row: fact_of(self.t, row),
            cause=lambda code: cause_in_words(self.t, code),
            because=lambda code: reason_in_words(self.t, code),
            unseen=UNSEEN,
            dropped_of_evidence=DROPPED,
            failed=failed_looks(self.tx, self.sitting.id),
            own_pad=own_pad_scores(self.tx, self.sitting.id),
            least=verdicts.MIN_REASON,
            most=verdicts.MAX_REASON,
            refused=refused,
        )

    def card(self, chosen: str) -> Card | None:
        """The card of the chosen incident, else of the first that waits, else of the first."""
        incidents = self.files.incidents
        waiting = [each for each in incidents if not each.rulings and not each.is_open]
        wanted = [each for each in incidents if chosen in (each.row.id, each.row.kind)]
        found = next(iter([*wanted, *waiting, *incidents]), None)
        if found is None:
            return None
        kind = found.row.kind
        rates = precision_of(self.tx, self.reviewed.course.institution_id, kind)
        models = sorted({check.model_id for check in self.checks if check.model_id})
        alike = [each for each in waiting if each.row.kind == kind]
        seen = looks.looks_of(self.tx, self.account.id, self.sitting.id)
        opened_s = found.row.opened_s
        moments = {"start": identified_s(self.checks), "face": opened_s, "scene": opened_s}
        pictures = f"{self.url}/incidents/{found.row.id}/pictures"
        return Card(
            found=found,
            said=fact_of(self.t, found.row),
            trust=trust_of(self.t, kind, rates.get(kind), models),
            stills=tuple(Still(name, f"{pictures}/{name}", at_s) for name, at_s in moments.items())
            if self.files.recordings and self.files.expiry is None
            else (),
            alike=len(alike),
            answers=tuple(each for each in self.said if each.incident_id == found.row.id),
            looked=sum(each is found or seen.saw_itself(each.row.id) for each in alike),
            is_labelled=found.row.id not in self.unlabelled,
            seen_first=first_looks.given_by(self.tx, self.account, found.row.id),
        )

    def _claim(self) -> Claim | None:
        """Who works on it now."""
        return claims.claims_of(self.tx, self.now, [self.sitting.id]).get(self.sitting.id)

    def _sample(self) -> dict[str, Any] | None:
        """What is asked, or was found, about a sitting without incidents that is looked through."""
        found = sampling.look_of(self.tx, self.sitting.id)
        percent = self.at.settings.review_sample_percent
        is_asked = sampling.is_drawn(self.sitting.id, percent) and not self.files.incidents
        if found is None and not (is_asked and self.sitting.state is SittingState.FINISHED):
            return None
        return {"found": found, "kinds": [kind.value for kind in Kind]}

    def _granted(self) -> list[str]:
        """What the learner is granted, as effects; never why."""
        granted = accommodation_of(self.tx, self.reviewed.learner.id, self.reviewed.course.id)
        lines = [self.t(f"review.granted.{effect.value}") for effect in sorted(granted.effects)]
        if granted.extra_time_percent:
            lines.append(self.t("review.granted.extra_time", n=granted.extra_time_percent))
        return lines

    def _typing(self, evidence: SittingEvidence) -> dict[str, Any]:
        """The typing of the sitting beside earlier visits; nothing where it is not planned."""
        if Technology.KEYSTROKE.value not in self.reviewed.event.identity_plan:
            nothing = ("plots", "words", "windows", "handed_over", "sentence", "revised")
            return dict.fromkeys(nothing, ())
        tx, vault, sitting = self.tx, self.at.vault, self.sitting
        verifier = self.at.live.line.verifier
        sums = keys.stored(tx, vault, sitting)
        earlier = enrolment.typing_reference(
            tx, vault, sitting.account_id, verifier.model_id, before=sitting.created_at
        )
        compared = evidence.keystroke
        # the score of another model is not read by this one's table
        is_read = compared is not None and verifier.model_id in evidence.model_ids
        visits = [measure_sums(each) for each in earlier]
        _, measured = keys.measured(tx, vault, sitting)
        concluded = keys.concluded(tx, sitting)
        return {
            "plots": typing_card.plots(self.t, measured, visits),
            "visits": len(earlier),
            "words": typing_card.in_words(self.t, compared, verifier.weighing)
            if compared and is_read
            else (),
            "windows": typing_card.windows(self.t, concluded.windows),
            "handed_over": typing_card.handed_over(self.t, concluded.handed_over_s),
            "sentence": typing_card.sentence(self.t, tx.get(SentenceCheck, sitting.id)),
            "revised": typing_card.revised(self.t, revision(sums)),
            "width": typing_card.WIDTH,
        }


def outcome_of(
    reviewed: Reviewed,
    evidence: SittingEvidence,
    now: datetime,
    repairs: Mapping[str, Technology],
) -> OutcomeDecision:
    """``repairs``: what verifies sittings held in a repair window, by their ids."""
    rules, repaired_by = pack(reviewed.course.policy_pack), repairs.get(reviewed.sitting.id)
    return decide_sitting(reviewed.event, evidence, rules, now, repaired_by)


def _to_read(
    sitting_id: str, request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> Opened:
    reviewed = queue.sitting_for(tx, visitor.account, sitting_id)
    return Opened(request, tx, visitor, at, reviewed)


def _to_decide(
    sitting_id: str, request: Request, tx: Tx, visitor: Signed, at: ServicesDep
) -> Opened:
    return _to_read(sitting_id, request, tx, visitor, at)


ToRead = Annotated[Opened, Depends(_to_read)]
ToDecide = Annotated[Opened, Depends(_to_decide)]
