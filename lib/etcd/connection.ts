import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { fromJSON, type ServiceDefinition } from '@grpc/proto-loader';
import { EtcdError, isTransient } from './errors.js';
import { SCHEMA } from './schema.js';

/** How to reach an etcd cluster. */
export interface EtcdOptions {
  /** The client URLs of its members, such as https://etcd-1:2379. */
  endpoints: readonly string[];
  /** The content of PEM files: the authority of the members, and the client's certificate with its key. */
  tls?: { ca: Buffer; cert: Buffer; key: Buffer } | undefined;
}

/** How long a member may take to answer a call: one that answers later has no leader, or hangs. */
const CALL_MS = 2000;

const CHANNEL: ClientOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2000,
};

const definition = fromJSON(SCHEMA, { keepCase: true, longs: String, enums: String, defaults: true });

const methodOf = (service: string, name: string): MethodDefinition<object, object> =>
  (definition[`etcdserverpb.${service}`] as ServiceDefinition)[name] as MethodDefinition<object, object>;

/** Asks a member that has lost its leader to fail the call instead of waiting: etcd's own metadata key. */
const withLeader = (): Metadata => {
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');
  return metadata;
};

/** A stream to one member. */
export interface MemberStream<Request, Response> {
  write(request: Request): void;
  /** Ends the stream, without an error. */
  close(): void;
  readonly stream: ClientDuplexStream<Request, Response>;
}

/** The members of an etcd cluster, of which one at a time is used. */
export class Connection {
  readonly #credentials: ChannelCredentials;
  readonly #targets: readonly string[];
  readonly #clients = new Map<string, Client>();
  #current = 0;

  constructor({ endpoints, tls }: EtcdOptions) {
    this.#targets = endpoints.map((endpoint) => new URL(endpoint).host);
    this.#credentials = tls ? credentials.createSsl(tls.ca, tls.key, tls.cert) : credentials.createInsecure();
  }

  /** How many members there are to ask. */
  get size(): number {
    return this.#targets.length;
  }

  /** The member that calls go to, for `leave`. */
  get member(): string {
    return this.#targets[this.#current] as string;
  }

  /** Moves on to the next member, unless another call has done so. */
  leave(member: string): void {
    if (member === this.member) this.#current = (this.#current + 1) % this.#targets.length;
  }

  /**
   * Calls a method of the present member once.
   * @throws {EtcdError} `refused`, or `unavailable` after it has moved on to the next member
   */
  async call<Response>(service: string, name: string, request: object): Promise<Response> {
    const { member } = this;
    const { path, requestSerialize, responseDeserialize } = methodOf(service, name);
    const deadline = Date.now() + CALL_MS;
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: object): void => {
        if (error === null) {
          resolve(response as Response);
          return;
        }
        const transient = isTransient(error.code);
        if (transient) this.leave(member);
        reject(new EtcdError(transient ? 'unavailable' : 'refused', `etcd ${member}: ${error.details}`));
      };
      this.#clientOf(member).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        withLeader(),
        { deadline },
        answered,
      );
    });
  }

  /** Opens a stream to the present member. Its `error` event comes when it ends for any reason but `close`. */
  open<Request extends object, Response extends object>(
    service: string,
    name: string,
  ): MemberStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = methodOf(service, name);
    const stream = this.#clientOf(this.member).makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      withLeader(),
      {},
    ) as unknown as ClientDuplexStream<Request, Response>;
    return {
      stream,
      write: (request) => void stream.write(request),
      close: () => {
        stream.removeAllListeners();
        // A cancelled stream still reports that it was.
        stream.on('error', () => {});
        stream.cancel();
      },
    };
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  #clientOf(member: string): Client {
    const client = this.#clients.get(member) ?? new Client(member, this.#credentials, CHANNEL);
    this.#clients.set(member, client);
    return client;
  }
}
