// Asks a server that has credentials, with those of the environment.
const assert = require('assert');
const { XRayClient, GetGroupsCommand, CreateGroupCommand } = require('@aws-sdk/client-xray');

const client = (more) => new XRayClient({ endpoint: process.argv[2], region: 'ap-south-1', ...more });

async function refused(code, client, command) {
  await assert.rejects(client.send(command), (e) => {
    assert.strictEqual(e.name, code);
    assert.strictEqual(e.$metadata.httpStatusCode, 403);
    return true;
  });
}

(async () => {
  const { Groups } = await client().send(new GetGroupsCommand({}));
  assert.strictEqual(Groups[0].GroupName, 'Default');
  await refused('AccessDeniedException', client(), new CreateGroupCommand({ GroupName: 'g', FilterExpression: 'fault' }));
  const wrong = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: 'wrong' };
  await refused('InvalidSignatureException', client({ credentials: wrong }), new GetGroupsCommand({}));
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
