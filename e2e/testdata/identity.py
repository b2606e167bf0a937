"""Asks a server that has credentials, with those of the environment."""
import os
import sys

import boto3
from botocore.exceptions import ClientError

url = sys.argv[1]


def client(service="xray", **more):
    return boto3.client(service, endpoint_url=url, region_name="sa-east-1", **more)


def refused(code, ask):
    try:
        ask()
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 403, e
        assert e.response["Error"]["Message"], e
        return
    raise AssertionError("not refused with " + code)


xray = client()
assert xray.get_groups()["Groups"][0]["GroupName"] == "Default"
refused("AccessDeniedException", lambda: xray.create_group(GroupName="g", FilterExpression="fault"))
wrong = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "wrong"}
refused("InvalidSignatureException", client(**wrong).get_groups)
refused("UnrecognizedClientException", client(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="wrong").get_groups)
refused("UnrecognizedClientException", client(aws_session_token="stale", **wrong).get_groups)

is_ = client("sts").get_caller_identity()
assert is_["Arn"] == "arn:aws:iam::123456789012:user/team-a/reader", is_
assert is_["Account"] == "123456789012" and is_["UserId"] == os.environ["AWS_ACCESS_KEY_ID"], is_
refused("SignatureDoesNotMatch", client("sts", **wrong).get_caller_identity)
