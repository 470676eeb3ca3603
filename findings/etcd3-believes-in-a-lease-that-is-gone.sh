#!/usr/bin/env bash
# etcd3 1.1.2 (npm), etcd 3.5.16: a client that is cut off reports a lease of 5 seconds as lost 5 seconds after it is gone.
#
# The client waits a whole TTL for the answer to a keepalive, and raises "lost" when the next one has failed, too.
# revoked() is false all that time. The server has deleted the keys of the lease one TTL after the last keepalive that
# it got, and another host may hold the lock. Count the TTL yourself, from when the last answered keepalive was sent.
#
# A guess from memory: the client knows its TTL, and raises "lost" before the server may drop the lease.
set -euo pipefail
folder=$(mktemp -d)
etcd=
trap '[ -z "$etcd" ] || kill "$etcd"; rm -rf "$folder"' EXIT
cd "$folder"
# The package and all that it depends on, unpacked into the temporary folder; nothing is installed. Needs Debian's apt.
mkdir -p debs/partial lists/partial root
touch status
echo "deb $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p) trixie main" >sources.list
apt() {
  apt-get -qq -y --no-install-recommends -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State="$folder" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder" \
    -o Dir::Cache::archives="$folder/debs" "$@" >apt.log 2>&1
}
apt update
apt --download-only install etcd-server=3.5.16-4
for deb in debs/*.deb; do dpkg -x "$deb" root; done
# One member; the numbers are parts of its sockets' names, not ports.
root/usr/lib64/ld-linux-x86-64.so.2 --library-path root/usr/lib/x86_64-linux-gnu root/usr/bin/etcd --data-dir data \
  --listen-client-urls unix://client:1 --advertise-client-urls http://localhost:1 --listen-peer-urls unix://peer:1 \
  --initial-advertise-peer-urls http://localhost:2 --initial-cluster default=http://localhost:2 >etcd.log 2>&1 &
etcd=$!
# call METHOD JSON: a call through the JSON gateway, whose bytes are base64; the response without its header.
call() { curl -s --unix-socket client:1 -d "$2" "http://d/v3/$1" | sed -E 's/"header":\{[^}]*\}(, ?)?//'; }
until call maintenance/status '{}' | grep -q '"leader"'; do sleep 0.2; done
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund etcd3@1.1.2
cat > run.js <<'JS'
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

// A network that can fall silent without closing a connection.
const sockets = new Set();
let silent = false;
const network = createServer((near) => {
  const far = connect('client:1');
  for (const [from, to] of [[near, far], [far, near]]) {
    sockets.add(from.on('error', () => {}));
    from.on('data', (data) => silent || to.write(data)).on('close', () => to.destroy());
  }
}).listen(0, '127.0.0.1');
await once(network, 'listening');

const keyExists = async () => {
  const call = request({ socketPath: 'client:1', path: '/v3/kv/range', method: 'POST' });
  call.end(JSON.stringify({ key: Buffer.from('lock').toString('base64') }));
  const [response] = await once(call, 'response');
  return (await text(response)).includes('"kvs"');
};

const lease = new Etcd3({ hosts: `127.0.0.1:${network.address().port}` }).lease(5);
await lease.put('lock').value('mine');
const lost = once(lease, 'lost').then(() => performance.now());
await once(lease, 'keepaliveSucceeded');
silent = true;
while (await keyExists()) await sleep(100);
const gone = performance.now();
console.log(`the key is gone, revoked() is ${lease.revoked()}`);
const late = (await lost) - gone;
console.log(`"lost" comes more than 3 seconds later: ${late > 3000} (${(late / 1000).toFixed(1)} s)`);
process.exit();
JS
timeout 60 node run.js | tee seen.txt
expected='the key is gone, revoked() is false
"lost" comes more than 3 seconds later: true'
[ "$(sed 's/ ([0-9.]* s)$//' seen.txt)" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
