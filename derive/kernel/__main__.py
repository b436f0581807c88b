"""`python -m derive.kernel FILE` re-checks a certificate. Exit 0: accepted; 2: refused or unreadable, in one line."""

import json
import sys

from derive.kernel.check import check_text
from derive.kernel.terms import Refused, to_json

try:
    with open(sys.argv[1], encoding="utf-8") as file:
        report = check_text(file.read())
except (Refused, OSError, ValueError, IndexError) as error:
    print(" ".join(f"python -m derive.kernel FILE: {error}".split()), file=sys.stderr)
    raise SystemExit(2) from None
print(json.dumps({"claim": to_json(report.claim), "steps": len(report.used), "digest": report.digest}))
