"""`python -m derive.kernel FILE`: re-checks a certificate; nothing but the standard library is needed.

Exit status: 0 accepted; 2 refused or unreadable, with one line on standard error.
"""

import json
import sys

from derive.kernel.check import check_text
from derive.kernel.terms import Refused, to_json


def main(arguments: list[str]) -> int:
    try:
        (path,) = arguments
        with open(path, encoding="utf-8") as file:
            report = check_text(file.read())
    except Refused as refusal:
        print(" ".join(f"{path}: refused: {refusal}".split()), file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(" ".join(f"python -m derive.kernel FILE: {error}".split()), file=sys.stderr)
        return 2
    print(json.dumps({"claim": to_json(report.claim), "steps": len(report.used), "digest": report.digest}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
