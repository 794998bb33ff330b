"""Checks a report or an evidence pack by itself: bytes enter, what is wrong with them leaves.

Needs neither the database nor the network, and computes every hash and share anew.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proctor.exams.schemes import plain_number
from proctor.exams.tables import EventKind
from proctor.reports import merkle
from proctor.reports.checkpoints import NoteKey, checkpoint_of, witnessed_at
from proctor.reports.document import Json, canonical, range_json, share_json
from proctor.reports.witnesses import receipt_problems
from proctor.shares.calculator import (
    Outcome,
    ShareEvent,
    by_count,
    by_weight,
    design_by_count,
    design_by_weight,
)
from proctor.shares.formats import weights_in_format
from proctor.shares.packs import Basis, PolicyPack, ZeroWeight

_SEALED = ("manifest.json", "signature.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one member of a pack, or with the file itself."""

    member: str
    problem: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A witness that signed the root over the first *size* events. ``key``: as it is given out."""

    key: str
    name: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """``sha256``: of the report; ``public_key``: hex of the key that signed the pack, None for
    a report alone; ``missing``: clips that were gone when the pack was made; ``altered``:
    recordings that had been changed by then, with their segments; ``expired``: sittings whose
    recordings had been erased at the end of their term, with the day; ``heads``: sizes
    and roots of the log, that of the pack and the earlier one it goes on from."""

    findings: tuple[Finding, ...]
    sha256: str | None = None
    public_key: str | None = None
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    expired: tuple[tuple[str, str], ...] = ()
    heads: tuple[tuple[int, str], ...] = ()
    witnessed: tuple[Witnessed, ...] = ()


def verify(data: bytes) -> Verification:
    """What is wrong with a report in JSON or an evidence pack; no findings = nothing."""
    return _pack(data) if data.startswith(b"PK") else _report_alone(data)


def _report_alone(data: bytes) -> Verification:
    findings = tuple(Finding("report", problem) for problem in report_problems(data))
    return Verification(findings, hashlib.sha256(data).hexdigest())


def report_problems(data: bytes) -> Iterator[str]:
    """What does not follow in a report: its form, or its shares under its own pack."""
    try:
        document = json.loads(data)
        if canonical(document).encode() != data:
            yield "not the canonical text of its content"
        yield from _share_problems(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"not an identity report ({type(error).__name__})"


def _share_problems(document: Json) -> Iterator[str]:
    rules = _rules(document["pack"])
    weights = {event["code"]: Fraction(event["weight"]) for event in document["events"]}
    plans = {event["code"]: bool(event["plan"]) for event in document["events"]}
    cancelled = {
        event["code"]
        for learner in document["learners"]
        for event in learner["events"]
        if event["outcome"] == Outcome.CANCELLED
    }
    design = [
        ShareEvent(
            code, weight, plans[code], Outcome.CANCELLED if code in cancelled else Outcome.PENDING
        )
        for code, weight in weights.items()
    ]
    said = document["design"]
    if said["count"] != share_json(design_by_count(design, rules), rules) or said[
        "weight"
    ] != share_json(design_by_weight(design), rules):
        yield "the shares by design do not follow from the scheme"
    for learner in document["learners"]:
        own = learner.get("scheme")
        of_learner = _declared_weights(document) if own else weights
        if own and own["weights"] != {code: plain_number(of_learner[code]) for code in weights}:
            yield f"the weights of learner {learner['number']} are not those of the format declared"
        held = [
            ShareEvent(
                event["code"],
                of_learner[event["code"]],
                plans[event["code"]],
                Outcome(event["outcome"]),
            )
            for event in learner["events"]
        ]
        if learner["count"] != range_json(by_count(held, rules), rules) or learner[
            "weight"
        ] != range_json(by_weight(held), rules):
            yield f"the shares of learner {learner['number']} do not follow from the outcomes"


def _declared_weights(document: Json) -> dict[str, Fraction]:
    """Weights in the scheme of a learner who declared 0/0/100."""
    return weights_in_format(
        (event["code"], EventKind(event["kind"]), Fraction(event["weight"]))
        for event in document["events"]
    )


def _rules(printed: Json) -> PolicyPack:
    """The pack as the report prints it: an old report is computed under its own edition."""
    return PolicyPack(
        name=printed["name"],
        edition=date.fromisoformat(printed["edition"]),
        threshold=Fraction(printed["threshold_percent"]) / 100,
        basis=Basis(printed["basis"]),
        zero_weight=ZeroWeight(printed["zero_weight"]),
        technologies=frozenset(),
        coverage=Fraction(printed["coverage_percent"]) / 100,
        longest_gap_s=printed["longest_gap_s"],
        recorded=frozenset(),
        text=printed["text"],
    )


def _pack(data: bytes) -> Verification:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            members, broken = _read(pack)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return Verification((Finding("file", "not a readable ZIP"),))
    findings = [Finding(name, "its bytes were changed") for name in broken]
    absent = [name for name in _SEALED if name not in members and name not in broken]
    findings += [Finding(name, "is not in the pack") for name in absent]
    if any(name not in members for name in _SEALED):
        return Verification(tuple(findings))
    try:
        manifest = json.loads(members["manifest.json"])
        seal = json.loads(members["signature.json"])
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal["public_key"]))
        hashes, report = dict(manifest["members"]), str(manifest["report"])
        # packs of before seals were looked at have none
        missing, altered = tuple(manifest["missing"]), tuple(manifest.get("altered", ()))
        expired = tuple(sorted(dict(manifest.get("expired", {})).items()))
        key.verify(bytes.fromhex(seal["signature"]), members["manifest.json"])
    except InvalidSignature:
        findings.append(Finding("manifest.json", "the signature does not fit"))
        return Verification(tuple(findings))
    except (ValueError, KeyError, TypeError):
        findings.append(Finding("signature.json", "cannot be read"))
        return Verification(tuple(findings))
    findings += _against(hashes, members, broken)
    if "report.json" in members:
        found = report_problems(members["report.json"])
        findings += [Finding("report.json", problem) for problem in found]
    if hashes.get("report.json") != report:
        findings.append(Finding("manifest.json", "names another report"))
    for name in sorted(members):
        if name.startswith("events/"):
            findings += [Finding(name, problem) for problem in _chain_problems(name, members[name])]
    public_key = seal["public_key"]
    findings += [Finding("log.json", problem) for problem in _log_problems(members, public_key)]
    if findings:
        return Verification(tuple(findings), report, public_key, missing, altered, expired)
    heads, witnessed = _heads(members), _witnessed(members)
    return Verification((), report, public_key, missing, altered, expired, heads, witnessed)


def _read(pack: zipfile.ZipFile) -> tuple[dict[str, bytes], list[str]]:
    """Members that can be read, and names of those that fail their own checksum."""
    members, broken = {}, []
    for name in dict.fromkeys(pack.namelist()):
        try:
            members[name] = pack.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            broken.append(name)
    return members, broken


def _against(
    hashes: dict[str, str], members: dict[str, bytes], broken: list[str]
) -> Iterator[Finding]:
    for name, expected in hashes.items():
        if name in members and hashlib.sha256(members[name]).hexdigest() != expected:
            yield Finding(name, "its bytes were changed")
        elif name not in members and name not in broken:
            yield Finding(name, "is not in the pack")
    for name in [*members, *broken]:
        if name not in hashes and name not in _SEALED:
            yield Finding(name, "is not listed")


def _heads(members: dict[str, bytes]) -> tuple[tuple[int, str], ...]:
    """Sizes and roots in a log with nothing wrong in it."""
    if "log.json" not in members:
        return ()
    log = json.loads(members["log.json"])
    return tuple((int(head["size"]), head["root"]) for head in (log, log.get("since")) if head)


def _witnessed(members: dict[str, bytes]) -> tuple[Witnessed, ...]:
    """Who signed roots of a log with nothing wrong in it."""
    log = json.loads(members.get("log.json", b"{}"))
    found = []
    for receipt in log.get("witnessed", ()):
        key, note = NoteKey.of(receipt["key"]), receipt["note"]
        at = datetime.fromtimestamp(witnessed_at(note, key), UTC)
        found.append(Witnessed(key.text, key.name, checkpoint_of(note).size, at))
    return tuple(found)


def _log_problems(members: dict[str, bytes], public_key: str) -> Iterator[str]:
    """Chains whose last event does not stand in the log where the pack says, and receipts of
    witnesses that do not fit."""
    if "log.json" not in members:
        # packs of before there was a log; one that lists it is found without it above
        return
    try:
        log = json.loads(members["log.json"])
        root, size, proofs = bytes.fromhex(log["root"]), int(log["size"]), dict(log["proofs"])
        if log.get("since"):
            since = log["since"]
            path = [bytes.fromhex(step) for step in since["path"]]
            before = bytes.fromhex(since["root"])
            if not merkle.is_consistent(int(since["size"]), before, size, root, path):
                yield f"does not go on from the log of {since['size']} events"
        yield from receipt_problems(log, public_key)
        for name in sorted(members):
            if not name.startswith("events/"):
                continue
            stream = name.removeprefix("events/").removesuffix(".json")
            last = bytes.fromhex(json.loads(members[name])["events"][-1]["hash"])
            proof = proofs[stream]
            path = [bytes.fromhex(step) for step in proof["path"]]
            if merkle.root_from(last, proof["index"], size, path) != root:
                yield f"does not hold the last event of {stream}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        yield f"cannot be read ({type(error).__name__})"


def _chain_problems(name: str, content: bytes) -> Iterator[str]:
    """The first event of a sitting whose hash does not follow from the one before it."""
    stream = name.removeprefix("events/").removesuffix(".json")
    previous = bytes(32)
    for expected, event in enumerate(json.loads(content)["events"], start=1):
        facts = [stream, event["seq"], event["kind"], event["at"], event["body"]]
        link = hashlib.sha256(previous + rfc8785.dumps(facts)).digest()
        if event["seq"] != expected or link.hex() != event["hash"]:
            yield f"event {expected} does not follow from the one before it"
            return
        previous = link
