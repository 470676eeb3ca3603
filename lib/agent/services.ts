import type { Config } from '../config/load.js';
import type { Metrics } from '../metrics/metrics.js';
import { RpcClient } from '../rpc/client/client.js';
import type { ServiceClient } from '../rpc/client/service-client.js';
import { Service } from '../runtime/pipeline/service.js';
import type { Secrets } from './sub-agents/secrets.js';
import type { Supervisor } from './sub-agents/supervisor.js';

type ObserveCall = Metrics['observeCall'];

/** Wraps a client so that its calls are timed. */
const withTiming = (client: ServiceClient, service: string, observeCall: ObserveCall): ServiceClient => ({
  call: (method, request, options) => {
    const startedAt = performance.now();
    const observe = (outcome: 'success' | 'error'): void =>
      observeCall({ service, method, outcome }, (performance.now() - startedAt) / 1000);
    const response = client.call(method, request, options);
    // Returns the client's own promise: one that waits for the observation would delay the caller.
    void response.then(
      () => observe('success'),
      () => observe('error'),
    );
    return response;
  },
  open: (request, signal) => client.open(request, signal),
  upload: (request, bytes, signal) => client.upload(request, bytes, signal),
  connect: (request, signal) => client.connect(request, signal),
  cancel: (job) => client.cancel(job),
  close: () => client.close(),
});

interface ServicesOptions {
  secrets: Secrets;
  /** Called with each call, once it has ended. */
  observe: ObserveCall;
  /** Knows why a service is down. */
  exits: Supervisor['exits'];
}

/** Makes the services of the config, each with a client whose calls are timed. */
export const buildServices = (
  config: Config,
  { secrets, observe, exits }: ServicesOptions,
): Map<string, Service> =>
  new Map(
    [...config.services].map(([name, service]) => {
      const { path, max_pending, timeout } = service;
      const endpoint = { address: service, secret: secrets.get(service) };
      const client = new RpcClient({
        service: name,
        endpoint,
        path,
        maxSockets: max_pending,
        whyDown: () => exits.reason(service),
      });
      return [name, new Service(name, withTiming(client, name, observe), max_pending, timeout)];
    }),
  );
