#!/usr/bin/env bash
# @grpc/grpc-js 1.14.7: close() of a client does not end its calls: a stream goes on, and keeps the process alive.
#
# New calls throw "Channel has been shut down", but a watch that is open receives as before, and raises neither "end"
# nor "error". Cancel each call yourself, then close. In gRPC for Go, closing the connection cancels its calls.
#
# A guess from memory: close() ends the client's streams with CANCELLED or UNAVAILABLE.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7
cat > run.js <<'JS'
import { once } from 'node:events';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';

const bytes = { requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b };
const watch = { path: '/test/Watch', requestStream: true, responseStream: true, ...bytes };
const server = new Server();
// Sends back what it receives.
server.addService({ watch }, { watch: (call) => call.on('data', (data) => call.write(data)).on('error', () => {}) });
const port = await new Promise((done, fail) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? fail(error) : done(port))),
);
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
const open = () => client.makeBidiStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize);

const call = open();
call.on('end', () => console.log('end')).on('error', ({ details }) => console.log(`error: ${details}`));
const answer = async (text) => {
  call.write(Buffer.from(text));
  const [data] = await once(call, 'data');
  return data.toString();
};
console.log(`open: ${await answer('one')}`);
client.close();
try {
  open();
} catch ({ message }) {
  console.log(`closed, a new call: ${message}`);
}
console.log(`closed, the old one: ${await answer('two')}`);
call.cancel();
await once(call, 'close').catch(() => {});
server.forceShutdown();
JS
seen=$(timeout 30 node run.js) || true
echo "$seen"
# Seen on Node.js 20.20:
expected='open: one
closed, a new call: Channel has been shut down
closed, the old one: two
error: Cancelled on client
end'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
