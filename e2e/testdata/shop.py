"""One request to a shop, traced by the X-Ray SDK for Python over UDP.

Usage: shop.py DYNAMODB_ENDPOINT; prints the trace id. More subsegments than the
SDK holds back are made, so that some are sent ahead of their segment.
"""

import sys
import traceback

import boto3
from aws_xray_sdk.core import patch, xray_recorder
from aws_xray_sdk.core.models import http

xray_recorder.configure(service="checkout", sampling=False)
patch(["boto3"])

segment = xray_recorder.begin_segment("checkout")
segment.set_user("ada")
segment.put_http_meta(http.METHOD, "POST")
segment.put_http_meta(http.URL, "https://shop.example/orders")
segment.put_http_meta(http.STATUS, 200)
segment.put_annotation("customer", "gold")
segment.put_annotation("items", 3)
segment.put_metadata("cart", [1, 2, 3], "debug")

for n in range(40):
    step = xray_recorder.begin_subsegment("step %d" % n)
    step.put_annotation("step", n)
    xray_recorder.end_subsegment()

discount = xray_recorder.begin_subsegment("discount")
try:
    raise KeyError("no such coupon")
except KeyError as e:
    discount.add_exception(e, traceback.extract_stack())
xray_recorder.end_subsegment()

payments = xray_recorder.begin_subsegment("payments.example", namespace="remote")
payments.put_http_meta(http.METHOD, "POST")
payments.put_http_meta(http.URL, "https://payments.example/charge")
payments.put_http_meta(http.STATUS, 502)
xray_recorder.end_subsegment()

boto3.client("dynamodb", endpoint_url=sys.argv[1]).get_item(TableName="orders", Key={"id": {"S": "17"}})

xray_recorder.end_segment()
print(segment.trace_id)
