"""Rounds of torture: load, kill, audit, start again, ask again, compare."""

import multiprocessing
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from creditgate.audit.books import Auditor
from creditgate.v1 import ledger_pb2
from tests.support import counters
from tests.support.api import refusal
from tests.support.server import NotStartedError, ServerProcess
from tests.torture.client import ACCOUNTS, EXPECTED, LIMIT_MINOR, Report, Sent, run
from tests.torture.judge import BrokenPromise, judge, promised

CLIENTS = 3
LOAD_S = (0.02, 0.7)
"""Shortest and longest load before a kill."""
START_KILLED_SHARE = 0.15
START_KILL_S = (0.0, 1.5)
ASKED_AGAIN = 20
"""How many answered requests are asked again in each round."""
QUIET_TRIES = 200
OPTIONS = {"closed_retention_count_max": 50, "default_ttl_s": 3}
"""So small that reservations expire and are forgotten, and that there is always some credit."""

LEGEND = """\
lost: requests that a kill left without an answer; each is asked again after the restart
lost but decided: those of them that the journal held already; their answers must be the stored ones
breaches: forced captures beyond a limit, which are allowed and must be marked as such"""
SINGULARS = {
    "rounds": "round",
    "kills": "kill",
    "positions": "position",
    "entries": "entry",
    "breaches": "breach",
}


@dataclass
class Seen:
    """Counters by account at one sequence of the journal, as the live server showed them."""

    journal_seq: int
    positions: dict[str, tuple[int, int, int]]
    mapped: counters.Snapshot


@dataclass
class Tally:
    """What was done."""

    rounds: int = 0
    kills: int = 0
    kills_at_start: int = 0
    answered: int = 0
    lost: int = 0
    lost_but_decided: int = 0
    positions_compared: int = 0
    entries: int = 0
    breaches: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{n:,} {_words(what, n)}" for what, n in vars(self).items())


def _words(name: str, count: int) -> str:
    """A field's name in words, in the singular for one."""
    first, *others = name.split("_")
    return " ".join((SINGULARS.get(first, first) if count == 1 else first, *others))


class Torture:
    """One store, one server after another on it, and the clients. Raises BrokenPromise."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.tally = Tally()
        self._chance = random.Random(seed)
        self._server = ServerProcess(folder, **OPTIONS)
        self._books = Auditor(self._server.store)
        self._heard: list[tuple[Sent, Any]] = []
        """Answers that the auditor has not been asked about yet."""
        self._seen: Seen | None = None

    def play(self, rounds: int | None, tell: Callable[[str], None]) -> Tally:
        """Plays so many rounds, or until interrupted; `tell` hears of each."""
        processes, pipes = self._start_clients()
        try:
            self._server.start()
            for account_id in ACCOUNTS:
                self._server.api.open_account(account_id, LIMIT_MINOR)
            while rounds is None or self.tally.rounds < rounds:
                self._round(pipes)
                self.tally.rounds += 1
                tell(f"round {self.tally.rounds}: {self.tally}")
            promised("exit code after SIGTERM", self._server.terminate(), 0)
            self._audit()
        finally:
            self._server.kill()
            for pipe in pipes:
                pipe.send(None)
            for process in processes:
                process.join()
        return self.tally

    def _start_clients(self) -> tuple[list[Any], list[Connection]]:
        # Spawned, never forked: gRPC does not survive a fork.
        context = multiprocessing.get_context("spawn")
        processes, pipes = [], []
        for number in range(CLIENTS):
            ours, theirs = context.Pipe()
            process = context.Process(target=run, args=(theirs, f"client-{number}", self.seed))
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(ours)
        return processes, pipes

    def _round(self, pipes: list[Connection]) -> None:
        for pipe in pipes:
            pipe.send(self._server.address)
        self._kill_at_random()
        reports: list[Report] = [report for pipe in pipes for report in pipe.recv()]
        for report in reports:
            if report.unexpected:
                raise BrokenPromise(report.unexpected[0])
            self._heard.extend(report.answered)
        self._audit()
        self._start()
        answered = [one for report in reports for one in report.answered]
        self._ask_again(answered, [sent for report in reports for sent in report.lost])
        self._seen = self._look()

    def _kill_at_random(self) -> None:
        """Lets the load run for a moment, then kills; the server must not have ended by itself."""
        try:
            code = self._server.process.wait(self._chance.uniform(*LOAD_S))
        except subprocess.TimeoutExpired:
            self._server.kill()
            self.tally.kills += 1
        else:
            said = self._server.stderr_text()[-2_000:]
            raise BrokenPromise(f"the server ended by itself with {code}: {said}")

    def _start(self) -> None:
        """Starts the server; sometimes kills it before it is ready, and starts it again."""
        while self._chance.random() < START_KILLED_SHARE:
            try:
                self._server.start(timeout_s=self._chance.uniform(*START_KILL_S))
            except NotStartedError as error:
                if error.exit_code > 0:
                    raise
            self._server.kill()
            self.tally.kills_at_start += 1
        self._server.start()

    def _audit(self) -> None:
        """Reads on in the journal of the dead server and holds what was heard against it."""
        if self._seen is not None:
            self._compare(self._seen)
            self._seen = None
        self._books.advance()
        if self._books.reused:
            raise BrokenPromise(f"decided twice: entries {self._books.reused}")
        for sent, answer in self._heard:
            judge(self._books, sent, answer)
        self._heard.clear()
        self.tally.entries = self._books.seq
        self.tally.breaches = len(self._books.breaches)

    def _compare(self, seen: Seen) -> None:
        """What the live server showed is what its journal adds up to, up to that entry."""
        self._books.advance(until=seen.journal_seq)
        promised("journal sequence", seen.journal_seq, self._books.seq)
        slots = sorted(self._books.accounts)
        accounts = [self._books.accounts[slot] for slot in slots]
        sums = [(a.outstanding, a.captured, a.reserved) for a in accounts]
        named = {a.account_id: s for a, s in zip(accounts, sums, strict=True)}
        promised("positions", seen.positions, named)
        promised("counters map", [tuple(record) for record in seen.mapped.records], sums)
        hashes = [counters.id_hash(account.account_id) for account in accounts]
        promised("ids in the counters map", seen.mapped.id_hashes, hashes)
        self.tally.positions_compared += len(sums)

    def _ask_again(self, answered: list[tuple[Sent, Message]], lost: list[Sent]) -> None:
        """What was answered is answered the same; what was lost is decided now, if not before."""
        self.tally.answered += len(answered)
        self.tally.lost += len(lost)
        asked = self._chance.sample(answered, min(ASKED_AGAIN, len(answered)))
        for sent, before in asked:
            after = sent.ask(self._server.api)
            if not replays(after):
                raise BrokenPromise(f"decided anew: {sent.request}")
            promised(str(sent.request), forget_replayed(before), forget_replayed(after))
        for sent in lost:
            before_restart = self._in_journal(sent)
            try:
                answer = sent.ask(self._server.api)
            except grpc.RpcError as error:
                if before_restart:
                    raise BrokenPromise(f"decided, then refused: {sent.request}") from error
                if refusal(error).code not in EXPECTED:
                    raise
                continue
            if before_restart:
                self.tally.lost_but_decided += 1
                if not replays(answer):
                    raise BrokenPromise(f"decided anew: {sent.request}")
            self._heard.append((sent, answer))

    def _in_journal(self, sent: Sent) -> bool:
        """Whether the auditor has found a decision on this request."""
        request: Any = sent.request
        if sent.method == "PostEntries":
            first = (request.source, request.entries[0].entry_id)
            return first in self._books.postings
        request_id = getattr(request, "request_id", "") or request.items[0].request_id
        return (request_id, 0) in self._books.answers

    def _look(self) -> Seen:
        """Reads all positions through gRPC and the counters map, at one moment between changes."""
        for _ in range(QUIET_TRIES):
            positions = [self._server.api.position(account_id) for account_id in ACCOUNTS]
            mapped = counters.snapshot(self._server.store)
            seqs = {position.journal_seq for position in positions}
            if mapped is not None and seqs == {mapped.journal_seq}:
                by_account = {
                    p.account_id: (p.outstanding_minor, p.captured_minor, p.reserved_minor)
                    for p in positions
                }
                return Seen(mapped.journal_seq, by_account, mapped)
        raise BrokenPromise("positions and counters map never agree on a sequence")


def replays(answer: Any) -> bool:
    """Whether all parts of an answer say that they are stored ones."""
    if isinstance(answer, ledger_pb2.PostEntriesResponse):
        duplicate = ledger_pb2.ENTRY_OUTCOME_DUPLICATE
        return all(result.outcome == duplicate for result in answer.results)
    if hasattr(answer, "results"):
        return all(item.response.result.replayed for item in answer.results)
    return bool(answer.result.replayed)


def forget_replayed(answer: Any) -> bytes:
    """An answer without its marks of having been given before."""
    copy = type(answer)()
    copy.CopyFrom(answer)
    if isinstance(copy, ledger_pb2.PostEntriesResponse):
        for result in copy.results:
            result.outcome = ledger_pb2.ENTRY_OUTCOME_POSTED
    elif hasattr(copy, "results"):
        for item in copy.results:
            item.response.result.replayed = False
    else:
        copy.result.replayed = False
    return bytes(copy.SerializeToString(deterministic=True))
