import type { Request, ResponseToolkit, ServerRoute } from '@hapi/hapi';
import { CANCEL_PATH } from '../protocol/calls.js';

/** Signals for the calls of jobs that are aborted when the job is cancelled. */
export class Cancellations {
  readonly #calls = new Map<string, Set<AbortController>>();

  /** Returns the signal of a job's call. It is never aborted once the connection of the call has closed. */
  signalOf(job: string, { raw }: Request): AbortSignal {
    const controller = new AbortController();
    const calls = this.#calls.get(job) ?? new Set();
    this.#calls.set(job, calls.add(controller));
    raw.res.once('close', () => {
      calls.delete(controller);
      if (calls.size === 0) this.#calls.delete(job);
    });
    return controller.signal;
  }

  cancel(job: string): void {
    for (const controller of this.#calls.get(job) ?? []) controller.abort(new Error('cancelled'));
  }

  /** The route to which the agent posts `{"job": ID}` when a job was cancelled. */
  route(): ServerRoute {
    return {
      method: 'POST',
      path: CANCEL_PATH,
      handler: ({ payload }: Request, h: ResponseToolkit) => {
        const { job } = (payload ?? {}) as { job?: unknown };
        if (typeof job === 'string') this.cancel(job);
        return h.response().code(204);
      },
    };
  }
}
