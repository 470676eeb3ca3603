#!/usr/bin/env bash
# @grpc/proto-loader 0.8.1: a string given for a bytes field is decoded as base64, and sent as other bytes.
#
# protobufjs, which it is built on, takes a string for base64. etcd's keys are bytes, and a path of letters, digits and
# slashes is valid base64. So "hosts/a" is accepted, and the key on the wire is five other bytes; "hosts-a"
# fails with "invalid encoding". Give every bytes field a Buffer, and test with a name that is valid base64.
#
# A guess from memory: a string is sent as its UTF-8 bytes, or is rejected as the wrong type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @grpc/proto-loader@0.8.1
cat > kv.proto <<'PROTO'
syntax = "proto3";
service KV { rpc Put(PutRequest) returns (PutRequest); }
message PutRequest { bytes key = 1; }
PROTO
cat > run.js <<'JS'
import { loadSync } from '@grpc/proto-loader';

const { requestSerialize, requestDeserialize } = loadSync('kv.proto').KV.Put;
const keyOf = (key) => {
  try {
    return requestDeserialize(requestSerialize({ key })).key.toString('hex');
  } catch ({ message }) {
    return message;
  }
};
for (const key of ['hosts/a', 'hosts-a', Buffer.from('hosts/a')])
  console.log(`${typeof key} ${key}: ${keyOf(key)}`);
JS
seen=$(node run.js) || true
echo "$seen"
# Seen on Node.js 20.20:
expected='string hosts/a: 868b2db3f6
string hosts-a: invalid encoding
object hosts/a: 686f7374732f61'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
