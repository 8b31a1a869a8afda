"""Judges recorded traffic: a judge for every file, its exchanges in the order in which they happened."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from conformance import __version__
from conformance.contract.contract import Contract
from conformance.contract.requirement import Level
from conformance.exceptions import RecordingError
from conformance.exchange import Exchange
from conformance.judge.finding import Finding, Judgement
from conformance.judge.judge import Judge
from conformance.recordings.cassette import restored, shortcomings
from conformance.recordings.coverage import cover_errors, cover_operations
from conformance.recordings.discreet import DiscreetJudge
from conformance.recordings.reader import Source, find_sources, read_recording
from conformance.recordings.recording import Format, Interaction, NotARecordingError, Recording
from conformance.recordings.redaction import redactor_for
from conformance.verdict import CaseResult, Reported, RunResult, Verdict

__all__ = ["CheckResult", "CheckedExchange", "CheckedFile", "check_paths"]

UNROUTED = "unrouted"
STORY_LENGTH = 10


@dataclass(frozen=True, slots=True)
class CheckedExchange:
    """One exchange with the Order Management API and what it came to.

    ``place`` is ``path#index``. ``status`` is None where the recording holds no usable answer.
    """

    case: CaseResult
    place: str
    operation: str
    status: int | None
    error_code: str


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """One file: what was judged in it, or why nothing could be.

    ``faults`` say why a cassette of this suite no longer counts (expired, edited, its case is gone), ``remarks`` what
    is worth a note. ``foreign`` counts the exchanges with other APIs. ``skipped`` is the reason why a file found in a
    directory is no recording, ``broken`` the reason why a file could not be read; both are empty for a recording.
    """

    path: Path
    label: str
    format: Format | None = None
    exchanges: tuple[CheckedExchange, ...] = ()
    foreign: int = 0
    skipped: str = ""
    broken: str = ""
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Tell of the file in plain lines: a verdict for every exchange, findings and reasons below it."""
        if self.skipped:
            yield f"skipped       {self.skipped}"
        if self.broken:
            yield f"{Verdict.ERROR.value:<12}  {self.broken}"
        for fault in self.faults:
            yield f"{Verdict.ERROR.value:<12}  {self.path}: {fault}"
        for exchange in self.exchanges:
            case = exchange.case
            answer = "" if exchange.status is None else f" {exchange.status}"
            code = f" {exchange.error_code}" if exchange.error_code else ""
            yield f"{case.verdict.value:<12}  {exchange.operation}{answer}{code}  {exchange.place}"
            if case.why:
                yield f"    {case.why}"
            for finding in case.findings:
                known = f"  [known: {finding.known}]" if finding.known else ""
                yield f"    {finding.code} {finding.severity.value.upper()}  {finding.message}{known}"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """All files of a run, and the cells of the contract that were exchanged in them."""

    files: tuple[CheckedFile, ...]
    cells: frozenset[tuple[str, int, str]] = field(default=frozenset())

    def cases(self) -> tuple[CaseResult, ...]:
        """Return a case for every exchange judged, and one for every file that could not be read."""
        found: list[CaseResult] = []
        for file in self.files:
            if file.broken:
                found.append(CaseResult(file.label, Verdict.ERROR, Level.CORE.value, why=file.broken))
            if file.faults:
                why = f"{file.path}: {'; '.join(file.faults)}"
                found.append(CaseResult(file.label, Verdict.ERROR, Level.CORE.value, why=why))
            found.extend(exchange.case for exchange in file.exchanges)
        return tuple(found)

    def trouble(self) -> str:
        """Say in one line why the recordings prove nothing, empty when an exchange was judged in every one of them."""
        broken = [file.broken for file in self.files if file.broken]
        if broken:
            return broken[0] if len(broken) == 1 else f"{len(broken)} files cannot be read; the first: {broken[0]}"
        void = [f"{file.path}: {file.faults[0]}" for file in self.files if file.faults]
        if void:
            return void[0] if len(void) == 1 else f"{len(void)} cassettes do not count; the first: {void[0]}"
        exchanges = [exchange for file in self.files for exchange in file.exchanges]
        if any(exchange.case.exchanges for exchange in exchanges):
            return ""
        if exchanges:
            reason = Counter(exchange.case.why for exchange in exchanges).most_common(1)[0][0]
            return f"nothing was judged: {reason} in {_counted(len(exchanges), 'exchange')}"
        if self._recordings():
            foreign = _counted(self._foreign(), "exchange")
            recordings = _counted(self._recordings(), "recording")
            return f"nothing was judged: {recordings} with {foreign}, none with the Order Management API"
        return "nothing was judged: no recording was found"

    def notes(self) -> tuple[str, ...]:
        """Name what was left out of the verdict, and why."""
        notes = [f"skipped {file.skipped}" for file in self.files if file.skipped]
        if self._foreign():
            notes.append(f"{_counted(self._foreign(), 'exchange')} with other APIs not judged")
        # Of a whole directory that was recorded under another contract one line is enough.
        said = Counter(remark for file in self.files for remark in file.remarks)
        notes += [f"{_counted(number, 'cassette')}: {remark}" for remark, number in said.items()]
        return tuple(notes)

    def totals(self) -> str:
        """Count on one line: what was judged, what was not, and how it ended."""
        counts = Counter(case.verdict for case in self.cases())
        ended = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])
        judged = sum(case.exchanges for case in self.cases())
        recordings = _counted(self._recordings(), "recording")
        return f"{_counted(judged, 'exchange')} judged in {recordings}, {self._foreign()} foreign: {ended or 'nothing'}"

    def run_result(self, contract: Contract) -> RunResult:
        """Put the run into the words that every report understands."""
        return RunResult(
            suite={"name": "klarna-conformance", "version": __version__, "contract": contract.digest},
            target={"kind": "recording"},
            seed=0,
            cases=self.cases(),
            operations=cover_operations(contract, self.cells),
            errors=cover_errors(contract, self.cells),
            notes=self.notes(),
        )

    def _foreign(self) -> int:
        return sum(file.foreign for file in self.files)

    def _recordings(self) -> int:
        return sum(file.format is not None for file in self.files)


def check_paths(
    paths: Iterable[Path],
    contract: Contract,
    tell: Callable[[CheckedFile], None] | None = None,
    *,
    is_case: Callable[[str], bool] | None = None,
    today: date | None = None,
) -> CheckResult:
    """Judge every recording that the paths name or contain; ``tell`` hears of each file as soon as it is judged.

    ``is_case`` tells whether the suite has a case, so that cassettes of cases that are gone are found; without it
    nobody looks. ``today`` (UTC) decides what has expired.

    A file that cannot be read is part of the result and does not keep the others from being judged. Raises
    RecordingError for a directory that cannot be listed.
    """
    files: list[CheckedFile] = []
    labels: set[str] = set()
    cells: set[tuple[str, int, str]] = set()
    day = datetime.now(UTC).date() if today is None else today
    for source in find_sources(paths):
        # Two directories may hold files of the same name, and an id stands for one exchange only.
        label = _writable(source.label if source.label not in labels else source.path.as_posix())
        labels.add(source.label)
        checked = _check_file(source, label, contract, cells, is_case, day)
        files.append(checked)
        if tell is not None:
            tell(checked)
    return CheckResult(tuple(files), frozenset(cells))


def _check_file(
    source: Source,
    label: str,
    contract: Contract,
    cells: set[tuple[str, int, str]],
    is_case: Callable[[str], bool] | None,
    today: date,
) -> CheckedFile:
    try:
        recording = read_recording(source.path)
    except NotARecordingError as error:
        if source.named:
            return CheckedFile(source.path, label, broken=str(error))
        return CheckedFile(source.path, label, skipped=str(error))
    except RecordingError as error:
        return CheckedFile(source.path, label, broken=str(error))
    trial = _Trial(recording, label, contract)
    exchanges = tuple(trial.judge_all(cells))
    header = recording.header
    faults: list[str] = []
    remarks: list[str] = []
    if header is not None:
        known = is_case(header.case) if is_case is not None else None
        faults, remarks = shortcomings(header, contract.digest, today, known)
    return CheckedFile(
        source.path,
        label,
        recording.format,
        exchanges,
        trial.foreign,
        faults=tuple(faults),
        remarks=tuple(remarks),
    )


class _Trial:
    """One file before its judge."""

    def __init__(self, recording: Recording, label: str, contract: Contract) -> None:
        self.recording = recording
        self.label = label
        self.contract = contract
        self.foreign = 0
        self._redactor = redactor_for(contract)
        self._judge = self._new_judge()
        self._stories: dict[str, deque[str]] = {}

    def _new_judge(self) -> Judge | DiscreetJudge:
        if self.recording.header is not None:
            # A cassette of ours is redacted, and tells merchants apart.
            return Judge(self.contract, credentials_visible=True)
        # Of any other nobody knows what was done to its credentials, and people may be in it.
        return DiscreetJudge(self.contract, self._redactor, credentials_visible=False)

    def judge_all(self, cells: set[tuple[str, int, str]]) -> Iterator[CheckedExchange]:
        for interaction in self.recording.interactions:
            judgement = self._judge.feed(restored(interaction.exchange))
            if judgement.foreign:
                self.foreign += 1
                continue
            if judgement.cell is not None:
                cells.add(judgement.cell)
            yield self._checked(interaction, judgement)
            if interaction.lacking and judgement.operation is not None and judgement.operation.writes:
                # Something was changed that nobody can know, so what was learnt of the orders no longer holds.
                self._judge = self._new_judge()

    def _checked(self, interaction: Interaction, judgement: Judgement) -> CheckedExchange:
        exchange = interaction.exchange
        operation = judgement.operation.id if judgement.operation is not None else UNROUTED
        story = self._story(interaction.index, exchange, judgement.order_id)
        case_id = f"{self.label}#{interaction.index}/{operation}"
        if exchange.response is None:
            # That no answer was written down says nothing of the server.
            case = CaseResult(case_id, Verdict.NOT_MEASURED, Level.CORE.value, why=exchange.failure)
        else:
            case = CaseResult(
                case_id,
                judgement.verdict,
                Level.CORE.value,
                requirements=tuple(dict.fromkeys(finding.requirement for finding in judgement.findings)),
                findings=tuple(_reported(finding, story) for finding in judgement.findings),
                exchanges=1,
            )
        return CheckedExchange(
            case,
            f"{self.recording.path}#{interaction.index}",
            operation,
            exchange.response.status if exchange.response is not None else None,
            judgement.cell[2] if judgement.cell is not None else "",
        )

    def _story(self, index: int, exchange: Exchange, order_id: str) -> tuple[str, ...]:
        """Tell what the recording holds of the order up to here; the query and the host stay out of reports."""
        path = exchange.request.target.partition("?")[0].partition("#")[0]
        path = self._redactor.target(path[path.find("/ordermanagement/") :])
        answer = exchange.failure if exchange.response is None else str(exchange.response.status)
        story = self._stories.setdefault(order_id, deque(maxlen=STORY_LENGTH))
        story.append(f"{index}. {exchange.request.method} {path} -> {answer}")
        return tuple(story)


def _reported(finding: Finding, story: tuple[str, ...]) -> Reported:
    # Recorded requests carry people's names and addresses: no line of this report repeats a body.
    return Reported(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        operation=finding.operation,
        status=finding.status,
        error_code=finding.error_code,
        requirement=finding.requirement,
        known=finding.known,
        story=story,
    )


def _writable(label: str) -> str:
    """Make a file name fit for reports: names of files need not be text."""
    return label.encode("utf-8", "backslashreplace").decode("utf-8")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
