"""One case as it was recorded, reduced to what can be compared, with what the judge says of every step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.contract.contract import Contract
from conformance.exceptions import RecordingError
from conformance.exchange import Exchange
from conformance.judge.finding import Finding
from conformance.judge.judge import Judge
from conformance.recordings.cassette import redacted, restored
from conformance.recordings.comparison import Known
from conformance.recordings.drift import Side
from conformance.recordings.reader import find_sources, read_recording
from conformance.recordings.recording import NotARecordingError, Recording
from conformance.recordings.redaction import Redactor, redactor_for
from conformance.recordings.sketch import Sketch, draw

__all__ = ["Take", "known_of", "read_takes", "take_of"]


@dataclass(frozen=True, slots=True)
class Take:
    """One case: its steps in order, each with the findings of the judge, and where they come from.

    ``case`` is the id of the case, or the name of the file where a recording does not say.
    """

    case: str
    side: Side
    steps: tuple[tuple[Sketch, tuple[Finding, ...]], ...]
    notes: tuple[str, ...] = ()


def read_takes(path: Path, contract: Contract) -> dict[str, Take]:
    """Read a recording, or every recording in a directory, by case.

    Raises RecordingError for what cannot be read, for a directory without a recording, and for two recordings of one
    case: which of them counts is not ours to say.
    """
    found: dict[str, Take] = {}
    redactor = redactor_for(contract)
    for source in find_sources([path]):
        try:
            recording = read_recording(source.path)
        except NotARecordingError:
            if source.named:
                raise
            continue
        name = source.label[: len(source.label) - len(source.path.suffix)]
        take = take_of(recording, name, contract, redactor)
        if take.case in found:
            raise RecordingError(f"{source.path}: is a second recording of {take.case}")
        found[take.case] = take
    if not found:
        raise RecordingError(f"{path}: no recording was found")
    return found


def take_of(recording: Recording, name: str, contract: Contract, redactor: Redactor) -> Take:
    """Reduce one recording; what comes from other makers is redacted first, so that nothing personal is told."""
    header = recording.header
    exchanges: list[Exchange] = [interaction.exchange for interaction in recording.interactions]
    if header is None:
        exchanges = [redacted(exchange, redactor) for exchange in exchanges]
        moments = [interaction.recorded_at for interaction in recording.interactions if interaction.recorded_at]
        case, side = name, Side(max(moments, default=None))
    else:
        case, side = header.case, Side(header.recorded_at, header.recorded_against)
    judge = Judge(contract, credentials_visible=header is not None)
    findings = [judge.feed(restored(exchange)).findings for exchange in exchanges]
    steps = tuple(
        (sketch, found) for sketch, found in zip(draw(exchanges, contract), findings, strict=True) if sketch is not None
    )
    notes = ("was edited after it was recorded",) if header is not None and not header.intact else ()
    return Take(case, side, steps, notes)


def known_of(takes: Iterable[Take]) -> Known:
    """Collect every place and every word that the recordings of one side show."""
    places: set[tuple[str, str, str]] = set()
    words: dict[tuple[str, str, str], set[str]] = {}
    for take in takes:
        for sketch, _ in take.steps:
            kind = "2xx" if sketch.succeeded else "4xx"
            places.update((sketch.operation, f"header/{name}", kind) for name in sketch.headers)
            for place, field in sketch.body.items():
                key = (sketch.operation, f"body/{place}", kind)
                places.add(key)
                if field.words:
                    words.setdefault(key, set()).update(field.words)
    return Known(places, _frozen(words))


def _frozen(words: Mapping[tuple[str, str, str], set[str]]) -> Mapping[tuple[str, str, str], frozenset[str]]:
    return {key: frozenset(found) for key, found in words.items()}
