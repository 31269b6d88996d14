"""chDB's side of `cargo xtask bench queries`: one JSON object per line of standard input, one answer per line.

{"load": path}: the rows of a CSV file take the place of those that were there.
{"ask": sql}: milliseconds that the answer took, and the answer as tab-separated text.

Argument: a folder for its tables.
"""

import json
import os
import sys
import time

from chdb import session

COLUMNS = """at Int64, project LowCardinality(String), provider LowCardinality(String), model LowCardinality(String),
    feature LowCardinality(String), environment LowCardinality(String), status LowCardinality(String),
    customer LowCardinality(String), experiment LowCardinality(String), region LowCardinality(String),
    cost Decimal(38, 12), tokens Int64"""


def main():
    here = session.Session(sys.argv[1])
    print(json.dumps({"ready": str(here.query("select version()", "TSV")).strip()}), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        if "load" in wanted:
            here.query("drop table if exists events sync")
            at = COLUMNS.replace("at Int64", "at DateTime64(6, 'UTC')")
            here.query(f"create table events ({at}) engine = MergeTree order by at")
            path = wanted["load"]
            here.query(
                f"insert into events select fromUnixTimestamp64Micro(at, 'UTC'), * except at from file('{path}', 'CSV', '{COLUMNS}')"
            )
            os.unlink(path)
            # As its own merges would leave it.
            here.query("optimize table events final")
            answer = {"rows": int(str(here.query("select count() from events", "TSV")))}
        else:
            begun = time.perf_counter()
            text = str(here.query(wanted["ask"], "TSV"))
            answer = {"ms": (time.perf_counter() - begun) * 1000, "text": text}
        print(json.dumps(answer), flush=True)


main()
