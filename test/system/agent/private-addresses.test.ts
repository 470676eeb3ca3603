import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { startRealAgent } from '../../helpers/real-agent.js';
import { serveHttp } from '../../helpers/storage.js';

// Guarantees: G28.

const test = needs('qemu-img');

const readConfig = async (name: string): Promise<ConfigFile> =>
  JSON.parse(await readFile(join(packageRoot, 'config', name), 'utf8')) as ConfigFile;

test('fetches nothing from loopback with the default config, directly, by a redirect or as a file of sums', async (t) => {
  const { url: agent, client } = await startRealAgent(t, ({ private_addresses: _, ...config }) => ({
    ...config,
    private_addresses: ['127.0.0.1'],
  }));
  const requests: string[] = [];
  const url = await serveHttp(t, (request, response) => {
    requests.push(request.url ?? '');
    if (request.url === '/redirect')
      response.writeHead(302, { location: `http://127.0.0.2:${new URL(url).port}/secret` }).end();
    else response.end('secret');
  });
  const elsewhere = url.replace('127.0.0.1', '127.0.0.3');
  const bodies = [
    { id: 'a', source: `${elsewhere}/secret` },
    { id: 'b', source: `${url}/redirect` },
    { id: 'c', source: `${url}/image`, sums: `${elsewhere}/secret` },
    { id: 'd', source: 'http://169.254.169.254/latest/meta-data/' },
  ];
  for (const body of bodies) {
    const response = await fetch(`${agent}/images?wait=60`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    t.is(response.status, 400, body.source);
    t.regex(((await response.json()) as { message: string }).message, /"private_addresses" in the config/);
  }
  t.deepEqual((await client.images.list()).items, []);
  t.deepEqual(requests, ['/redirect']);
});

test('the demo’s config lists loopback, and the default config lists nothing', async (t) => {
  t.is((await readConfig('agent.json')).private_addresses, undefined);
  t.deepEqual((await readConfig('demo.json')).private_addresses, ['127.0.0.1']);
  const { client } = await startRealAgent(t, (config) => ({ ...config, private_addresses: ['127.0.0.0/8'] }));
  const url = await serveHttp(t, (_, response) => response.end(asDisk(Buffer.alloc(1024 * 1024, 1))));
  const { jobId } = await client.images.fetch({ id: 'a', source: `${url}/a` });
  t.is((await client.waitForJob(jobId)).Status, 'Complete');
});
