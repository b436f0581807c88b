"""Decides whether a schedule meets the Robbins-Monro conditions: `decide("eta0/t**p", "eta0 > 0; p real")`.

From the bottom up: language (text to term), values (at points and over boxes), parameters (signs, and where a case is
split), germs and expansion (asymptotic expansions), ladder and averages (what decides a sum), splitting (residue
classes, thin sets), analysis (one case), cases and conditions (all cases, and the condition they amount to),
preconditions (defined and >= 0), story and proofs (why), decision (all of it).
"""

from __future__ import annotations

from derive.series.decision import Decision, Verdict, decide

__all__ = ["Decision", "Verdict", "decide"]
