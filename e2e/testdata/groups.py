"""Every operation on groups and tags through boto3. Usage: groups.py ENDPOINT

The endpoint is an argument because old versions do not read
AWS_ENDPOINT_URL_XRAY. Fails with a traceback where an answer is not as the
model of the service says.
"""

import sys

import boto3

xray = boto3.client("xray", endpoint_url=sys.argv[1])
OFF = {"InsightsEnabled": False, "NotificationsEnabled": False}
FILTER = ' http.url CONTAINS "/süß"\tOR  error '


def equal(got, want, what):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def refused(exception, text, call, **arguments):
    try:
        call(**arguments)
    except exception as e:
        assert text in e.response["Error"]["Message"] + e.response.get("message", ""), e
    else:
        raise AssertionError("%r was not refused" % arguments)


def groups():
    return [g for g in xray.get_paginator("get_groups").paginate().search("Groups[]")]


def tags(arn):
    listed = xray.get_paginator("list_tags_for_resource").paginate(ResourceARN=arn).search("Tags[]")
    return {t["Key"]: t["Value"] for t in listed}


default = {"GroupName": "Default", "GroupARN": "arn:aws:xray:us-east-1:123456789012:group/Default", "InsightsConfiguration": OFF}
equal(groups(), [default], "groups at first")

created = xray.create_group(GroupName="slow", FilterExpression=FILTER, Tags=[{"Key": "Stage", "Value": "Prod"}])["Group"]
arn = created["GroupARN"]
equal(created, {"GroupName": "slow", "GroupARN": arn, "FilterExpression": FILTER, "InsightsConfiguration": OFF}, "created")
equal(xray.get_group(GroupName="slow")["Group"], created, "by name")
equal(xray.get_group(GroupARN=arn)["Group"], created, "by ARN")
equal(groups(), [default, created], "groups")

updated = xray.update_group(GroupName="slow", FilterExpression="ok", InsightsConfiguration={"InsightsEnabled": True})["Group"]
equal(updated, dict(created, FilterExpression="ok", InsightsConfiguration={"InsightsEnabled": True, "NotificationsEnabled": False}), "updated")

xray.tag_resource(ResourceARN=arn, Tags=[{"Key": "Owner", "Value": "ada"}, {"Key": "Stage", "Value": "Test"}])
equal(tags(arn), {"Owner": "ada", "Stage": "Test"}, "tags")
xray.untag_resource(ResourceARN=arn, TagKeys=["Owner", "never there"])
equal(tags(arn), {"Stage": "Test"}, "tags that are left")

invalid = xray.exceptions.InvalidRequestException
refused(invalid, "Group already exists", xray.create_group, GroupName="slow", FilterExpression="ok")
refused(invalid, "Filter Expression is empty", xray.create_group, GroupName="new")
refused(invalid, "Filter Expression is empty", xray.update_group, GroupName="slow", InsightsConfiguration=OFF)
refused(invalid, "Error Location: line 1, position ", xray.update_group, GroupName="slow", FilterExpression="fault AND")
refused(invalid, "Provide either GroupName or GroupARN", xray.get_group, GroupName="slow", GroupARN=arn)
refused(invalid, "Group not found", xray.get_group, GroupName="nope")
refused(invalid, "must not have more than 50 user tags", xray.tag_resource, ResourceARN=arn, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])

equal(xray.delete_group(GroupName="slow")["ResponseMetadata"]["HTTPStatusCode"], 200, "status")
equal(groups(), [default], "groups at last")
refused(xray.exceptions.ResourceNotFoundException, "Resource %s not found" % arn, xray.list_tags_for_resource, ResourceARN=arn)
again = xray.create_group(GroupName="slow", FilterExpression=FILTER)["Group"]["GroupARN"]
assert again != arn, again
equal(tags(again), {}, "tags of the new group")
print("ok")
