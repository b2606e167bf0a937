"""Every operation through boto3. Usage: reads.py ENDPOINT TRACE_ID

The endpoint is an argument because old versions do not read
AWS_ENDPOINT_URL_XRAY. Fails with a traceback where an answer is not as the
model of the service says.
"""

import datetime
import json
import sys
import time

import boto3

endpoint, trace_id = sys.argv[1:3]
xray = boto3.client("xray", endpoint_url=endpoint)
now = time.time()


def window():
    at = datetime.datetime.now(datetime.timezone.utc)
    return {"StartTime": at - datetime.timedelta(minutes=5), "EndTime": at + datetime.timedelta(minutes=1)}


def equal(got, want, what):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


# Late subsegments come before their segment.
put = xray.put_trace_segments(
    TraceSegmentDocuments=[
        json.dumps({"trace_id": trace_id, "id": "00000000000000b1", "type": "subsegment", "parent_id": "00000000000000a1",
                    "name": "render", "start_time": now - 0.3, "end_time": now - 0.1}),
        json.dumps({"trace_id": trace_id, "id": "00000000000000a1", "name": "web", "start_time": now - 0.5, "end_time": now,
                    "error": True, "throttle": True, "http": {"response": {"status": 429}}, "annotations": {"größe": "süß"}}),
        json.dumps({"trace_id": trace_id, "id": "bad", "name": "web", "start_time": now, "end_time": now}),
    ]
)
equal([(u["Id"], u["ErrorCode"]) for u in put["UnprocessedTraceSegments"]], [("bad", "InvalidId")], "refused")

traces = list(xray.get_paginator("batch_get_traces").paginate(TraceIds=[trace_id]).search("Traces[]"))
equal([t["Id"] for t in traces], [trace_id], "trace ids")
(document,) = [json.loads(s["Document"]) for s in traces[0]["Segments"]]
equal([c["id"] for c in document["subsegments"]], ["00000000000000b1"], "children")

summaries = [s for s in xray.get_paginator("get_trace_summaries").paginate(**window()).search("TraceSummaries[]") if s["Id"] == trace_id]
equal(len(summaries), 1, "summaries of the trace")
(summary,) = summaries
equal((summary["HasThrottle"], summary["HasError"], summary["HasFault"]), (True, False, False), "flags")
equal(summary["Http"]["HttpStatus"], 429, "status")
assert abs(summary["ResponseTime"] - 0.5) < 0.001, summary["ResponseTime"]

names = {s["Name"] for s in xray.get_paginator("get_service_graph").paginate(**window()).search("Services[]")}
assert "web" in names, names
services = list(xray.get_paginator("get_trace_graph").paginate(TraceIds=[trace_id]).search("Services[]"))
equal({(s["Name"], s.get("Type")) for s in services}, {("web", "client"), ("web", None)}, "trace graph")

try:
    xray.batch_get_traces(TraceIds=["nonsense"])
except xray.exceptions.InvalidRequestException as e:
    assert "nonsense" in str(e), e
else:
    raise AssertionError("a malformed id was not refused")
print("ok")
