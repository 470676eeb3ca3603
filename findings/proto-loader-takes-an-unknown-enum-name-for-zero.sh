#!/usr/bin/env bash
# @grpc/proto-loader 0.8.1: a name that an enum does not have is sent as its value 0, without an error.
#
# etcd's Compare has the targets VERSION (0), CREATE, MOD (2) and so on. A request with the target "mod" compares the
# version instead of the revision, so the transaction fails or succeeds for the wrong reason. A number is sent as it
# is, known or not. Check names yourself, or generate types from the .proto file.
#
# A guess from memory: an error that names the field, as for a string that is no base64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @grpc/proto-loader@0.8.1
cat > kv.proto <<'PROTO'
syntax = "proto3";
service KV { rpc Txn(TxnRequest) returns (TxnRequest); }
enum Target { VERSION = 0; CREATE = 1; MOD = 2; }
message Compare { Target target = 1; }
message TxnRequest { repeated Compare compare = 1; }
PROTO
cat > run.js <<'JS'
import { loadSync } from '@grpc/proto-loader';

const { requestSerialize, requestDeserialize } = loadSync('kv.proto', { enums: String, defaults: true }).KV.Txn;
const sent = (target) => {
  try {
    return requestDeserialize(requestSerialize({ compare: [{ target }] })).compare[0].target;
  } catch ({ message }) {
    return message;
  }
};
for (const target of ['MOD', 'mod', 'REVISION', 2, 7]) console.log(`${JSON.stringify(target)} is sent as ${sent(target)}`);
JS
seen=$(node run.js) || true
echo "$seen"
# Seen on Node.js 20.20:
expected='"MOD" is sent as MOD
"mod" is sent as VERSION
"REVISION" is sent as VERSION
2 is sent as MOD
7 is sent as 7'
[ "$seen" = "$expected" ] || { echo 'This has changed.' >&2; exit 1; }
