"""Every operation of the service through boto3. Usage: operations.py ENDPOINT TRACE_ID INSIGHT_ID

Each answer is held against the model of the service: every value has to be of
the type that it names, and what programs read without asking has to be there.
Fails with a traceback. Prints the operations.
"""

import datetime
import json
import numbers
import sys
import time

import boto3
from botocore import xform_name

endpoint, trace_id, insight_id = sys.argv[1:4]
xray = boto3.client("xray", endpoint_url=endpoint)
model = xray.meta.service_model
called = set()


def check(shape, value, place):
    """Holds a value against its shape."""
    if value is None:
        return
    types = {"structure": dict, "list": list, "map": dict, "string": str, "timestamp": datetime.datetime, "boolean": bool,
             "integer": int, "long": int, "double": numbers.Real, "float": numbers.Real}
    assert isinstance(value, types[shape.type_name]), "%s is the %s %r" % (place, type(value).__name__, value)
    if shape.type_name == "structure":
        for name in value:
            if name in shape.members:
                check(shape.members[name], value[name], place + "." + name)
    elif shape.type_name == "list":
        for element in value:
            check(shape.member, element, place + "[]")
    elif shape.type_name == "map":
        for element in value.values():
            check(shape.value, element, place + "{}")
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum, "%s is %r" % (place, value)


def call(operation, *members, **arguments):
    """Calls an operation, which has to answer with the members."""
    if operation not in model.operation_names:
        return None  # too old for it
    answer = getattr(xray, xform_name(operation))(**arguments)
    called.add(operation)
    status = answer.pop("ResponseMetadata")
    assert status["HTTPStatusCode"] == 200 and status["RequestId"], status
    shape = model.operation_model(operation).output_shape
    if shape:
        check(shape, answer, operation)
    for name in members:
        assert name in answer, "%s answers without %s: %r" % (operation, name, answer)
    return answer


def refused(operation, code, text, **arguments):
    if operation not in model.operation_names:
        return
    try:
        getattr(xray, xform_name(operation))(**arguments)
    except xray.exceptions.ClientError as e:
        error = e.response["Error"]
        assert error["Code"] == code and text in error["Message"], error
        modelled = {s.name for s in model.operation_model(operation).error_shapes}
        # What the model does not list has no class of its own.
        assert (code in modelled) == (type(e).__name__ == code), (code, type(e))
    else:
        raise AssertionError("%s %r is not refused" % (operation, arguments))


now = time.time()
window = {"StartTime": now - 300, "EndTime": datetime.datetime.fromtimestamp(now + 180, datetime.timezone.utc)}
document = {"trace_id": trace_id, "id": "6226467e3f845502", "name": "shop", "start_time": now - 1, "end_time": now, "fault": True}
invalid, missing = "InvalidRequestException", "ResourceNotFoundException"

call("PutTraceSegments", "UnprocessedTraceSegments", TraceSegmentDocuments=[json.dumps(document)])
refused("PutTraceSegments", invalid, "Segments can not be empty", TraceSegmentDocuments=[])
call("BatchGetTraces", "Traces", "UnprocessedTraceIds", TraceIds=[trace_id])
refused("BatchGetTraces", invalid, "Invalid trace id", TraceIds=["nonsense"])
call("GetTraceSummaries", "TraceSummaries", "TracesProcessedCount", "ApproximateTime", **window)
refused("GetTraceSummaries", invalid, "line 1, position", FilterExpression="fault AND", **window)
call("GetTraceGraph", "Services", TraceIds=[trace_id])
refused("GetTraceGraph", invalid, "Zero trace ids provided", TraceIds=[])
call("GetServiceGraph", "Services", "StartTime", "EndTime", "ContainsOldGroupVersions", **window)
refused("GetServiceGraph", invalid, "End time cannot be earlier", StartTime=now, EndTime=now - 60)
call("GetTimeSeriesServiceStatistics", "TimeSeriesServiceStatistics", "ContainsOldGroupVersions", **window)
refused("GetTimeSeriesServiceStatistics", invalid, "[60, 300]", Period=7, **window)
call("PutTelemetryRecords", TelemetryRecords=[{"Timestamp": now, "BackendConnectionErrors": {"TimeoutCount": 1}}], EC2InstanceId="i-1")
refused("PutTelemetryRecords", "ValidationException", "hostname", TelemetryRecords=[{"Timestamp": now}], Hostname="h" * 256)

retrieval = call("StartTraceRetrieval", "RetrievalToken", TraceIds=[trace_id], **window)
if retrieval:
    call("ListRetrievedTraces", "RetrievalStatus", "TraceFormat", "Traces", TraceFormat="OTEL", **retrieval)
    call("GetRetrievedTracesGraph", "RetrievalStatus", "Services", **retrieval)
    call("CancelTraceRetrieval", **retrieval)
refused("StartTraceRetrieval", invalid, "Invalid traceId", TraceIds=["nonsense"], **window)
for name in "ListRetrievedTraces", "GetRetrievedTracesGraph", "CancelTraceRetrieval":
    refused(name, missing, "no retrieval", RetrievalToken="nonsense")

arn = call("CreateGroup", "Group", GroupName="slow", FilterExpression="fault")["Group"]["GroupARN"]
refused("CreateGroup", invalid, "already exists", GroupName="slow", FilterExpression="fault")
call("GetGroup", "Group", GroupARN=arn)
call("GetGroups", "Groups")
refused("GetGroups", invalid, "Next Token not supported", NextToken="nonsense")
call("UpdateGroup", "Group", GroupName="slow", FilterExpression="error")
call("TagResource", ResourceARN=arn, Tags=[{"Key": "Stage", "Value": "Live"}])
call("ListTagsForResource", "Tags", ResourceARN=arn)
call("UntagResource", ResourceARN=arn, TagKeys=["Stage"])
call("DeleteGroup", GroupARN=arn)
for name in "GetGroup", "DeleteGroup":
    refused(name, invalid, "Group not found", GroupARN=arn)
refused("UpdateGroup", invalid, "Group not found", GroupARN=arn, FilterExpression="fault")
refused("TagResource", missing, arn, ResourceARN=arn, Tags=[{"Key": "Stage", "Value": "Live"}])
refused("UntagResource", missing, arn, ResourceARN=arn, TagKeys=["Stage"])
refused("ListTagsForResource", missing, arn, ResourceARN=arn)

rule = {"RuleName": "api", "ResourceARN": "*", "Priority": 10, "FixedRate": 0.1, "ReservoirSize": 2, "ServiceName": "*",
        "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "Version": 1}
call("CreateSamplingRule", "SamplingRuleRecord", SamplingRule=rule)
refused("CreateSamplingRule", invalid, "already exists", SamplingRule=rule)
call("GetSamplingRules", "SamplingRuleRecords")
refused("GetSamplingRules", invalid, "Invalid token", NextToken="nonsense")
call("UpdateSamplingRule", "SamplingRuleRecord", SamplingRuleUpdate={"RuleName": "api", "FixedRate": 1})
statistics = {"RuleName": "api", "ClientID": "0" * 24, "Timestamp": now, "RequestCount": 5, "SampledCount": 2}
call("GetSamplingTargets", "SamplingTargetDocuments", "LastRuleModification", "UnprocessedStatistics", SamplingStatisticsDocuments=[statistics])
refused("GetSamplingTargets", "ValidationException", "clientID", SamplingStatisticsDocuments=[dict(statistics, ClientID="0" * 25)])
call("GetSamplingStatisticSummaries", "SamplingStatisticSummaries")
refused("GetSamplingStatisticSummaries", invalid, "Invalid token", NextToken="nonsense")
call("DeleteSamplingRule", "SamplingRuleRecord", RuleName="api")
refused("DeleteSamplingRule", invalid, "does not exist", RuleName="api")
refused("UpdateSamplingRule", invalid, "does not exist", SamplingRuleUpdate={"RuleName": "api"})

unknown = "00000000-0000-1000-8000-000000000000"
assert len(call("GetInsightSummaries", "InsightSummaries", GroupName="Default", **window)["InsightSummaries"]) == 1
refused("GetInsightSummaries", invalid, "Provide either GroupName or GroupARN", **window)
call("GetInsight", "Insight", InsightId=insight_id)
call("GetInsightEvents", "InsightEvents", InsightId=insight_id)
call("GetInsightImpactGraph", "InsightId", "Services", "StartTime", "EndTime", "ServiceGraphStartTime", "ServiceGraphEndTime", InsightId=insight_id, **window)
for name, more in ("GetInsight", {}), ("GetInsightEvents", {}), ("GetInsightImpactGraph", window):
    refused(name, invalid, "Insight not found", InsightId=unknown, **more)

policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"xray:*","Resource":"*"}]}'
call("PutResourcePolicy", "ResourcePolicy", PolicyName="topics", PolicyDocument=policy)
refused("PutResourcePolicy", "MalformedPolicyDocumentException", "malformed", PolicyName="topics", PolicyDocument="{")
call("ListResourcePolicies", "ResourcePolicies")
refused("ListResourcePolicies", invalid, "NextToken", NextToken="nonsense")
refused("DeleteResourcePolicy", "InvalidPolicyRevisionIdException", "topics", PolicyName="topics", PolicyRevisionId="99")
call("DeleteResourcePolicy", PolicyName="topics")
call("GetEncryptionConfig", "EncryptionConfig")
call("PutEncryptionConfig", "EncryptionConfig", Type="KMS", KeyId="k-1")
refused("PutEncryptionConfig", invalid, "no key", Type="KMS", KeyId="nope")
call("GetTraceSegmentDestination", "Destination", "Status")
call("UpdateTraceSegmentDestination", "Destination", "Status", Destination="CloudWatchLogs")
refused("UpdateTraceSegmentDestination", "ValidationException", "destination", Destination="Nowhere")
call("GetIndexingRules", "IndexingRules")
refused("GetIndexingRules", invalid, "NextToken", NextToken="nonsense")
call("UpdateIndexingRule", "IndexingRule", Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": 50}})
refused("UpdateIndexingRule", missing, "nope", Name="nope", Rule={"Probabilistic": {"DesiredSamplingPercentage": 50}})

assert called == set(model.operation_names), set(model.operation_names) - called
print(" ".join(sorted(called)))
