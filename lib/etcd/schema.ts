import type { fromJSON } from '@grpc/proto-loader';

/** A schema as protobuf.js reads it. */
type Schema = Parameters<typeof fromJSON>[0];

/** The part of etcd's API v3 that this client uses, as protobuf.js writes a schema: etcd's api/etcdserverpb/rpc.proto. */
const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

const call = (requestType: string, responseType: string, streams = false) => ({
  comment: '',
  requestType,
  responseType,
  ...(streams ? { requestStream: true, responseStream: true } : {}),
});

const keyValue = {
  fields: {
    key: field('bytes', 1),
    create_revision: field('int64', 2),
    mod_revision: field('int64', 3),
    version: field('int64', 4),
    value: field('bytes', 5),
    lease: field('int64', 6),
  },
};

const requests = {
  RangeRequest: {
    fields: {
      key: field('bytes', 1),
      range_end: field('bytes', 2),
      limit: field('int64', 3),
      revision: field('int64', 4),
      serializable: field('bool', 7),
    },
  },
  PutRequest: { fields: { key: field('bytes', 1), value: field('bytes', 2), lease: field('int64', 3) } },
  DeleteRangeRequest: { fields: { key: field('bytes', 1), range_end: field('bytes', 2) } },
  Compare: {
    oneofs: { target_union: { oneof: ['create_revision', 'mod_revision', 'value', 'lease'] } },
    fields: {
      result: field('CompareResult', 1),
      target: field('CompareTarget', 2),
      key: field('bytes', 3),
      create_revision: field('int64', 5),
      mod_revision: field('int64', 6),
      value: field('bytes', 7),
      lease: field('int64', 8),
    },
  },
  CompareResult: { values: { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } },
  CompareTarget: { values: { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } },
  RequestOp: {
    oneofs: { request: { oneof: ['request_range', 'request_put', 'request_delete_range'] } },
    fields: {
      request_range: field('RangeRequest', 1),
      request_put: field('PutRequest', 2),
      request_delete_range: field('DeleteRangeRequest', 3),
    },
  },
  TxnRequest: {
    fields: {
      compare: field('Compare', 1, 'repeated'),
      success: field('RequestOp', 2, 'repeated'),
      failure: field('RequestOp', 3, 'repeated'),
    },
  },
  WatchRequest: {
    oneofs: { request_union: { oneof: ['create_request', 'progress_request'] } },
    fields: {
      create_request: field('WatchCreateRequest', 1),
      progress_request: field('WatchProgressRequest', 3),
    },
  },
  WatchCreateRequest: {
    fields: {
      key: field('bytes', 1),
      range_end: field('bytes', 2),
      start_revision: field('int64', 3),
      progress_notify: field('bool', 4),
    },
  },
  WatchProgressRequest: { fields: {} },
  LeaseGrantRequest: { fields: { TTL: field('int64', 1), ID: field('int64', 2) } },
  LeaseRevokeRequest: { fields: { ID: field('int64', 1) } },
  LeaseKeepAliveRequest: { fields: { ID: field('int64', 1) } },
  LeaseTimeToLiveRequest: { fields: { ID: field('int64', 1) } },
};

const responses = {
  ResponseHeader: { fields: { revision: field('int64', 3) } },
  RangeResponse: {
    fields: {
      header: field('ResponseHeader', 1),
      kvs: field('KeyValue', 2, 'repeated'),
      more: field('bool', 3),
    },
  },
  PutResponse: { fields: { header: field('ResponseHeader', 1) } },
  DeleteRangeResponse: { fields: { header: field('ResponseHeader', 1), deleted: field('int64', 2) } },
  ResponseOp: {
    oneofs: { response: { oneof: ['response_range', 'response_put', 'response_delete_range'] } },
    fields: {
      response_range: field('RangeResponse', 1),
      response_put: field('PutResponse', 2),
      response_delete_range: field('DeleteRangeResponse', 3),
    },
  },
  TxnResponse: {
    fields: {
      header: field('ResponseHeader', 1),
      succeeded: field('bool', 2),
      responses: field('ResponseOp', 3, 'repeated'),
    },
  },
  EventType: { values: { PUT: 0, DELETE: 1 } },
  Event: { fields: { type: field('EventType', 1), kv: field('KeyValue', 2) } },
  WatchResponse: {
    fields: {
      header: field('ResponseHeader', 1),
      created: field('bool', 3),
      canceled: field('bool', 4),
      compact_revision: field('int64', 5),
      cancel_reason: field('string', 6),
      events: field('Event', 11, 'repeated'),
    },
  },
  LeaseGrantResponse: {
    fields: {
      header: field('ResponseHeader', 1),
      ID: field('int64', 2),
      TTL: field('int64', 3),
      error: field('string', 4),
    },
  },
  LeaseRevokeResponse: { fields: { header: field('ResponseHeader', 1) } },
  LeaseKeepAliveResponse: {
    fields: { header: field('ResponseHeader', 1), ID: field('int64', 2), TTL: field('int64', 3) },
  },
  LeaseTimeToLiveResponse: {
    fields: {
      header: field('ResponseHeader', 1),
      ID: field('int64', 2),
      TTL: field('int64', 3),
      grantedTTL: field('int64', 4),
    },
  },
};

const services = {
  KV: {
    methods: {
      Range: call('RangeRequest', 'RangeResponse'),
      Txn: call('TxnRequest', 'TxnResponse'),
    },
  },
  Watch: { methods: { Watch: call('WatchRequest', 'WatchResponse', true) } },
  Lease: {
    methods: {
      LeaseGrant: call('LeaseGrantRequest', 'LeaseGrantResponse'),
      LeaseRevoke: call('LeaseRevokeRequest', 'LeaseRevokeResponse'),
      LeaseKeepAlive: call('LeaseKeepAliveRequest', 'LeaseKeepAliveResponse', true),
      LeaseTimeToLive: call('LeaseTimeToLiveRequest', 'LeaseTimeToLiveResponse'),
    },
  },
};

export const SCHEMA: Schema = {
  nested: { etcdserverpb: { nested: { KeyValue: keyValue, ...requests, ...responses, ...services } } },
};

/** A 64-bit number as decimal digits: lease ids and revisions do not fit into a JavaScript number. */
export type Int64 = string;

export interface KeyValue {
  key: Buffer;
  value: Buffer;
  create_revision: Int64;
  mod_revision: Int64;
  lease: Int64;
}

export interface Header {
  revision: Int64;
}

export interface RangeResponse {
  header: Header;
  kvs: KeyValue[];
  more: boolean;
}

/** Holds when the key has this revision of its last change (0 when it does not exist), or this value of `lease`. */
export interface Compare {
  key: Buffer;
  result: 'EQUAL';
  target: 'MOD' | 'LEASE';
  mod_revision?: Int64;
  lease?: Int64;
}

export type RequestOp =
  | { request_put: { key: Buffer; value: Buffer; lease?: Int64 } }
  | { request_delete_range: { key: Buffer } }
  | { request_range: { key: Buffer } };

export interface TxnResponse {
  header: Header;
  succeeded: boolean;
  responses: { response_range?: RangeResponse }[];
}

export interface WatchResponse {
  header: Header;
  created: boolean;
  canceled: boolean;
  compact_revision: Int64;
  cancel_reason: string;
  events: { type: 'PUT' | 'DELETE'; kv: KeyValue }[];
}

export interface KeepAliveResponse {
  ID: Int64;
  TTL: Int64;
}
