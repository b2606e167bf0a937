// A shop traced by the X-Ray SDK for Node, which samples by the server's rules.
// It does what sampling.py does and prints the same.
'use strict';

const http = require('http');
const AWSXRay = require('aws-xray-sdk');

const openSegment = AWSXRay.express.openSegment('shop');
const agent = new http.Agent({ keepAlive: true });

const server = http.createServer((req, res) => openSegment(req, res, () => {
  res.end(AWSXRay.getSegment().notTraced ? 'no' : 'yes');
}));

function traced(path) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.address().port, path, headers: { Host: 'shop.example' }, agent };
    http.request(options, (res) => {
      let body = '';
      res.on('data', (part) => { body += part; });
      res.on('end', () => resolve(body === 'yes'));
    }).on('error', reject).end();
  });
}

async function count(path, n) {
  let sampled = 0;
  for (let i = 0; i < n; i++) if (await traced(path)) sampled++;
  return sampled;
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function main() {
  const n = Number(process.argv[2]);
  const length = Number(process.argv[3]);
  const deadline = Date.now() + 10000;
  while (await count('/ready', 30) < 30) {
    if (Date.now() > deadline) throw new Error('the rules did not come');
    await pause(50);
  }
  const sampled = {};
  for (const path of ['/drop', '/keep', '/half']) sampled[path] = await count(path, n);
  const seconds = {};
  for (const end = Date.now() + 1000 * length; Date.now() < end; await pause(100)) {
    for (let i = 0; i < 10; i++) {
      const second = Math.floor(Date.now() / 1000);
      seconds[second] = (seconds[second] || 0) + (await traced('/few') ? 1 : 0);
    }
  }
  console.log(JSON.stringify({ sampled, seconds }));
  process.exit();
}

server.listen(0, '127.0.0.1', main);
