"""Why a mutant of the kernel that no test notices is right: file, kind and guard -> reason."""

from __future__ import annotations

REASONS: dict[str, str] = {}
