"""`creditgate limit ...` and `creditgate verification ...`: what limits stand on."""

from datetime import date

import click

from creditgate.client import (
    ProposalDecision,
    ProposalState,
    Verification,
    VerificationRecord,
)
from creditgate.client.cli._connection import Connection, connected, request_options
from creditgate.client.cli._output import limit_text, row_refused, table, time_text
from creditgate.client.cli._parameters import DATE, read_limit


@click.group()
def limit() -> None:
    """Limits: propose one, approve or reject what others have proposed."""


@limit.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("limit_", metavar="LIMIT")
@click.argument("reason")
@click.option("--valid-until", type=DATE, help="Last day (UTC) on which the limit holds.")
@click.option(
    "--verification", default="", metavar="REFERENCE", help="The verification that it stands on."
)
@request_options
@connected
def propose(
    conn: Connection,
    *,
    account_id: str,
    limit_: str,
    reason: str,
    valid_until: date | None,
    verification: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Proposes a limit: an amount, unlimited, no-credit or inherit.

    It is in force at once where the policy approves it; else somebody else has to. REASON is for
    whoever does.
    """
    currency = conn.client.get_account(account_id).currency
    result = conn.client.propose_limit(
        account_id,
        read_limit(limit_, currency, valid_until),
        reason,
        verification=verification,
        request_id=request_id,
        channel=channel,
    )
    if conn.json:
        conn.write_json(result)
        return
    waits = result.state is ProposalState.PENDING
    said = "waits for somebody else" if waits else "is approved by the policy"
    conn.console.print(f"{result.proposal_id} {said}", markup=False)


@limit.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("proposal_id", metavar="PROPOSAL")
@click.argument("reason", required=False, default="")
@request_options
@connected
def approve(
    conn: Connection,
    *,
    account_id: str,
    proposal_id: str,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Puts a proposed limit into force. Whoever proposed it may not. REASON: for audit."""
    result = conn.client.approve_proposal(
        account_id, proposal_id, reason, request_id=request_id, channel=channel
    )
    _show_decided(conn, result, f"{proposal_id} is approved")


@limit.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("proposal_id", metavar="PROPOSAL")
@click.argument("reason")
@request_options
@connected
def reject(
    conn: Connection,
    *,
    account_id: str,
    proposal_id: str,
    reason: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Turns a proposed limit down; whoever proposed it may, too. REASON: for audit."""
    result = conn.client.reject_proposal(
        account_id, proposal_id, reason, request_id=request_id, channel=channel
    )
    _show_decided(conn, result, f"{proposal_id} is rejected")


@limit.command("list")
@click.argument("account_id", metavar="ACCOUNT", required=False, default="")
@connected
def limit_list(conn: Connection, *, account_id: str) -> None:
    """Lists the limits that wait for approval, the oldest first: of an ACCOUNT, or of all."""
    found = conn.client.list_proposals(account_id)
    if conn.json:
        for waiting in found:
            conn.write_json(waiting)
        return
    rows = (
        [
            waiting.proposal.proposal_id,
            waiting.account_id,
            limit_text(waiting.limit_now, waiting.currency),
            limit_text(waiting.proposal.limit_then, waiting.currency),
            limit_text(waiting.proposal.limit, waiting.currency),
            waiting.proposal.verification,
            waiting.proposal.proposed_by,
            time_text(waiting.proposal.propose_time),
            waiting.proposal.reason,
        ]
        for waiting in found
    )
    columns = ["proposal", "account", "limit", "limit then", "proposed", "verification", "by"]
    columns += ["since", "reason"]
    conn.console.print(table(conn.console, columns, rows, folding=("reason",)))


@click.group()
def verification() -> None:
    """Verifications: what third parties found out about customers."""


@verification.command()
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("reference")
@click.argument("source")
@click.option("--date", "date_", type=DATE, required=True, help="Of which day it is.")
@click.option("--score", type=int, help="How good the customer is, 0 to 1,000,000: more is better.")
@click.option("--document-sha256", default="", metavar="HEX", help="SHA-256 of the document.")
@request_options
@connected
def record(
    conn: Connection,
    *,
    account_id: str,
    reference: str,
    source: str,
    date_: date,
    score: int | None,
    document_sha256: str,
    request_id: str | None,
    channel: str,
) -> None:
    """Keeps what SOURCE found out about a customer, under its REFERENCE."""
    found = Verification(
        reference=reference,
        source=source,
        date=date_,
        score=score,
        document_sha256=document_sha256,
    )
    row = VerificationRecord(account_id=account_id, verification=found)
    (result,) = conn.client.record_verifications([row], request_id=request_id, channel=channel)
    if result.error is not None:
        raise row_refused(result.error)
    if conn.json:
        conn.write_json(result)
    elif result.outcome is not None:
        conn.console.print(f"{result.outcome.value} {reference}", markup=False)


@verification.command("list")
@click.argument("account_id", metavar="ACCOUNT")
@connected
def verification_list(conn: Connection, *, account_id: str) -> None:
    """Lists the latest verifications of an account, the latest first."""
    account = conn.client.get_account(account_id)
    if conn.json:
        for found in account.verifications:
            conn.write_json(found)
        return
    rows = (
        [
            found.reference,
            found.source,
            str(found.date),
            "" if found.score is None else str(found.score),
            "limit approved" if found.reference == account.verified_by else "",
            found.recorded_by,
            time_text(found.record_time),
            found.document_sha256,
        ]
        for found in account.verifications
    )
    columns = ["reference", "source", "date", "score", "", "by", "recorded", "document"]
    shown = table(conn.console, columns, rows, numbers=("score",), folding=("document",))
    conn.console.print(shown)


def _show_decided(conn: Connection, result: ProposalDecision, said: str) -> None:
    if conn.json:
        conn.write_json(result)
    else:
        conn.console.print(said, markup=False)
