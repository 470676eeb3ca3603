import type { ScheduleDetails, SchedulePatch, ScheduleSpec, ScheduleStatus } from '../model/schedule.js';
import { List } from './pages.js';
import { path } from './path.js';
import type { ChangeOptions } from './submit.js';
import type { ApiRequest, CallOptions, Transport } from './transport.js';

/** What the agent does by itself at given times. */
export class Schedules extends List<ScheduleStatus> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/schedules');
    this.#transport = transport;
  }

  /** Returns a schedule with what it has made for each guest, and what retention would delete now. */
  get(id: string, options?: CallOptions): Promise<ScheduleDetails> {
    return this.#transport.get(path`/schedules/${id}`, {}, options);
  }

  create(spec: ScheduleSpec, options?: ChangeOptions): Promise<ScheduleDetails> {
    return this.#send({ method: 'POST', path: '/schedules', body: spec }, options);
  }

  /**
   * Changes a schedule; `null` returns a key to its default. A dry run also shows what its new retention would delete.
   */
  update(id: string, change: SchedulePatch, options?: ChangeOptions): Promise<ScheduleDetails> {
    return this.#send({ method: 'PATCH', path: path`/schedules/${id}`, body: change }, options);
  }

  /** Deletes a schedule, but nothing that it has made. */
  delete(id: string, options?: ChangeOptions): Promise<ScheduleDetails> {
    return this.#send({ method: 'DELETE', path: path`/schedules/${id}` }, options);
  }

  /** Begins a run now; it has ended once `last.outcome` is no longer `running`. */
  run(id: string, options?: ChangeOptions): Promise<ScheduleDetails> {
    return this.#send({ method: 'POST', path: path`/schedules/${id}/run` }, options);
  }

  async #send(
    request: Pick<ApiRequest, 'method' | 'path' | 'body'>,
    { dryRun, signal }: ChangeOptions = {},
  ): Promise<ScheduleDetails> {
    return (await this.#transport.send<ScheduleDetails>({ ...request, query: { dryRun }, signal })).body;
  }
}
