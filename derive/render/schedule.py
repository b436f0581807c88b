"""The answer about a schedule for a terminal: verdicts with their conditions, then why."""

from __future__ import annotations

from derive.series.decision import Decision, Verdict


def schedule_text(found: Decision) -> str:
    """What `derive schedule` prints."""
    given = f", given {'; '.join(found.given)}" if found.given else ""
    lines = [f"eta_t = {found.schedule}, t >= {found.start}{given}"]
    lines.append(_line("sum of eta_t", found.sum, "diverges"))
    lines.append(_line("sum of eta_t**2", found.sum_of_squares, "converges"))
    lines.append(_line("Robbins-Monro conditions", found.robbins_monro, "hold") + _assumed(found))
    lines.append(_line("eta_t tends to 0", found.tends_to_zero, "yes"))
    lines.append(_line("eta_t is monotone in the end", found.eventually_monotone, "yes"))
    if found.proof:
        lines.append("why:")
        width = max(len(step.status) for step in found.proof)
        for step in found.proof:
            lines.append(f"  {step.status:<{width}}  {step.claim}")
            lines.append(f"  {'':<{width}}    {step.because}")
    return "\n".join(lines)


def _assumed(found: Decision) -> str:
    """What a decided answer rests on, where that is neither shown nor refuted."""
    open_ = found.decided and found.precondition is not None and found.precondition.how == "assumed"
    return ", if every term is defined and >= 0 (assumed)" if open_ else ""


WORDS = {"holds": "yes", "fails": "no"}


def _line(what: str, verdict: Verdict, positive: str) -> str:
    if verdict.verdict == "undecided":
        return f"{what}: undecided ({'; '.join(verdict.reasons[:3])})"
    if verdict.verdict == "depends":
        return f"{what}: {positive} iff {verdict.iff}"
    if positive == "hold":
        return f"{what}: {'hold' if verdict.verdict == 'holds' else 'fail'}"
    return f"{what}: {WORDS.get(verdict.verdict, verdict.verdict)}"
