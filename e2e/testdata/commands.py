"""Runs AWS CLI commands without starting it for each: reads a JSON list of
arguments a line, and prints a line of JSON with what the command printed and
the status it ended with.
"""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver


class Stream(io.TextIOWrapper):
    """What a command prints, in UTF-8; some commands write bytes."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self):
        return self.buffer.getvalue().decode("utf-8")


driver = create_clidriver()
for line in sys.stdin:
    out, err = Stream(), Stream()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = driver.main(json.loads(line))
        except SystemExit as e:  # arguments that cannot be parsed
            code = e.code
    print(json.dumps({"Out": out.text(), "Err": err.text(), "Code": code}), flush=True)
