// One request to a shop of two services, traced by the X-Ray SDK for Node over
// UDP: checkout.example answers it and calls payments.example, which fails.
// Prints the trace id.
'use strict';

const http = require('http');
const AWSXRay = require('aws-xray-sdk');

AWSXRay.middleware.disableCentralizedSampling();
AWSXRay.middleware.setSamplingRules({ version: 2, default: { fixed_target: 1, rate: 1 } });
AWSXRay.middleware.enableDynamicNaming('*.example'); // segments are named by the Host header
AWSXRay.setStreamingThreshold(3); // send finished subsegments ahead of a segment with more than three

const traced = AWSXRay.captureHTTPs(http);
const openSegment = AWSXRay.express.openSegment('shop');

function listen(handler) {
  return new Promise((resolve) => {
    const server = http.createServer((req, res) => openSegment(req, res, () => handler(req, res)));
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function request(client, server, host, path) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.address().port, method: 'POST', path, headers: { Host: host }, agent: false };
    client.request(options, (res) => {
      let body = '';
      res.on('data', (part) => { body += part; });
      res.on('end', () => resolve(body));
    }).on('error', reject).end();
  });
}

function step(name, error) {
  return new Promise((resolve) => {
    AWSXRay.captureAsyncFunc(name, (subsegment) => {
      setImmediate(() => { subsegment.close(error); resolve(); });
    });
  });
}

async function main() {
  const payments = await listen((req, res) => {
    res.statusCode = 502;
    res.end('declined');
  });
  const checkout = await listen(async (req, res) => {
    const segment = AWSXRay.getSegment();
    segment.setUser('ada');
    segment.addAnnotation('customer', 'gold');
    segment.addMetadata('cart', [1, 2, 3], 'debug');
    for (let n = 0; n < 8; n++) await step(`step ${n}`);
    await step('discount', new Error('no such coupon'));
    await request(traced, payments, 'payments.example', '/charge');
    res.end(segment.trace_id);
  });
  console.log(await request(http, checkout, 'checkout.example', '/orders'));
  checkout.close();
  payments.close();
  setTimeout(() => process.exit(), 500); // the SDK's socket has sent by then
}

main();
