"""A shop traced by the X-Ray SDK for Python, which samples by the server's rules.

Usage: sampling.py N SECONDS. It waits until the rule of /ready, which traces
everything, is in force, asks N times each for /drop, /keep and /half, and then
for SECONDS a hundred times a second for /few. Prints how many requests of each
path were traced, and of /few how many in each second.
"""

import json
import sys
import time

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.models import http
from aws_xray_sdk.ext.util import calculate_sampling_decision, construct_xray_header

xray_recorder.configure(service="shop", sampling=True)


def traced(path):
    """One request, as the SDK's middleware for web frameworks traces it."""
    header = construct_xray_header({})
    decision = calculate_sampling_decision(
        trace_header=header,
        recorder=xray_recorder,
        sampling_req={"host": "shop.example", "method": "GET", "path": path, "service": "shop"},
    )
    segment = xray_recorder.begin_segment("shop", traceid=header.root, parent_id=header.parent, sampling=decision)
    segment.put_http_meta(http.URL, "http://shop.example" + path)
    segment.put_http_meta(http.METHOD, "GET")
    segment.put_http_meta(http.STATUS, 200)
    xray_recorder.end_segment()
    return bool(segment.sampled)


n, length = int(sys.argv[1]), float(sys.argv[2])
deadline = time.time() + 10
while not all([traced("/ready") for _ in range(30)]):
    if time.time() > deadline:
        sys.exit("the rules did not come")
    time.sleep(0.05)

sampled = {path: sum(traced(path) for _ in range(n)) for path in ("/drop", "/keep", "/half")}
seconds = {}
end = time.time() + length
while time.time() < end:
    for _ in range(10):
        second = int(time.time())
        seconds[second] = seconds.get(second, 0) + traced("/few")
    time.sleep(0.1)
print(json.dumps({"sampled": sampled, "seconds": seconds}))
