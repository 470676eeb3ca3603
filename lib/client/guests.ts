import type { Duplex, Readable } from 'node:stream';
import type { GuestAction } from '../model/actions.js';
import type { CloneRequest } from '../model/clone.js';
import type { DiskPatch, NewDisk } from '../model/disk-changes.js';
import type { DiskUse } from '../model/disk-use.js';
import type { ExecRequest, ExecResult } from '../model/exec.js';
import type { ExecSession } from '../model/exec-session.js';
import type { Guest } from '../model/guest.js';
import type { GuestAddress } from '../model/guest-addresses.js';
import type { LogsQuery } from '../model/guest-logs.js';
import type { GuestPatch } from '../model/guest-patch.js';
import type { CpuMetrics, DiskMetrics, GuestMetrics, NicMetrics } from '../model/metrics.js';
import type { WarmRequest } from '../model/warm.js';
import { connectConsole, type OpenedConsole, type SerialConsoleOptions } from './console.js';
import { connectExec, type RunningProgram, requestExec } from './exec.js';
import {
  type ExportOptions,
  exportGuest,
  type GuestExport,
  type ImportOptions,
  importGuest,
} from './guest-files.js';
import type {
  ActionOptions,
  CdromOptions,
  CreationOptions,
  DiskRemovalOptions,
  GuestMetricsOptions,
  GuestsFilter,
  UpgradeOptions,
} from './guest-options.js';
import type { GuestSpec } from './guest-spec.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type ConditionalOptions, type JobOptions, submit } from './submit.js';
import { getTagged, type Tagged } from './tagged.js';
import type { CallOptions, Transport } from './transport.js';

export class Guests extends List<Guest, GuestsFilter> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/guests');
    this.#transport = transport;
  }

  get(id: string, options?: CallOptions): Promise<Guest> {
    return this.#transport.get(path`/guests/${id}`, {}, options);
  }

  getTagged(id: string, options?: CallOptions): Promise<Tagged<Guest>> {
    return getTagged(this.#transport, path`/guests/${id}`, options);
  }

  create(spec: GuestSpec, { start, ...options }: CreationOptions = {}): Promise<Accepted<Guest>> {
    const request = { method: 'POST', path: '/guests', query: { start }, body: spec } as const;
    return submit(this.#transport, request, options);
  }

  /** Creates a guest from another one, which may run, or from a snapshot of it. */
  clone(id: string, clone: CloneRequest = {}, options?: JobOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'POST', path: path`/guests/${id}/clone`, body: clone }, options);
  }

  /** Boots a template once, and keeps its memory: the clones that are made from then on resume with it. */
  warm(
    id: string,
    request: WarmRequest = {},
    options?: JobOptions & ConditionalOptions,
  ): Promise<Accepted<Guest>> {
    return submit(
      this.#transport,
      { method: 'POST', path: path`/guests/${id}/warm`, body: request },
      options,
    );
  }

  /** Discards the memory of a warm template. */
  cool(id: string, options?: JobOptions & ConditionalOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'DELETE', path: path`/guests/${id}/warm` }, options);
  }

  perform(
    id: string,
    action: GuestAction,
    { timeout, force, boot, ...options }: ActionOptions = {},
  ): Promise<Accepted<Guest>> {
    const query = { timeout, force, boot };
    return submit(this.#transport, { method: 'POST', path: path`/guests/${id}/${action}`, query }, options);
  }

  /**
   * Changes a guest: at once what can change while it runs, and the rest at its next start. `null` returns a key to its
   * default. The job's result says in `pending` what waits for the next start.
   */
  update(
    id: string,
    change: GuestPatch,
    options: JobOptions & ConditionalOptions = {},
  ): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'PATCH', path: path`/guests/${id}`, body: change }, options);
  }

  /** Moves a guest on to newer virtual hardware, at its next start when it runs. */
  upgradeMachine(id: string, { type, cpuModel, ...options }: UpgradeOptions = {}): Promise<Accepted<Guest>> {
    const query = { type, cpuModel };
    return submit(
      this.#transport,
      { method: 'POST', path: path`/guests/${id}/upgrade-machine`, query },
      options,
    );
  }

  /**
   * Inserts an ISO image into a CD drive, in place of the present one.
   * @param image `null` to eject
   */
  changeCdrom(
    id: string,
    drive: string,
    image: string | null,
    { force, ...options }: CdromOptions = {},
  ): Promise<Accepted<Guest>> {
    const target = path`/guests/${id}/cdroms/${drive}`;
    return submit(
      this.#transport,
      { method: 'PATCH', path: target, query: { force }, body: { image } },
      options,
    );
  }

  delete(id: string, options?: JobOptions & ConditionalOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'DELETE', path: path`/guests/${id}` }, options);
  }

  /**
   * Runs a program in a guest and waits for its end, 60 seconds by default. A request whose fate is unknown is not sent
   * again, because the program may run.
   */
  exec(id: string, request: ExecRequest, options: CallOptions = {}): Promise<ExecResult> {
    return requestExec(this.#transport, path`/guests/${id}/exec`, request, options);
  }

  /**
   * Runs a program in a container, connected to its input and its outputs while it runs. It is hung up when the client
   * disconnects before its end.
   */
  openExec(id: string, session: ExecSession, options: CallOptions = {}): Promise<RunningProgram> {
    return connectExec(this.#transport, path`/guests/${id}/exec`, session, options);
  }

  /** Returns the addresses that are known, each with its source: the best sources first. */
  addresses(id: string, options?: CallOptions): Promise<GuestAddress[]> {
    return this.#transport.get(path`/guests/${id}/addresses`, {}, options);
  }

  /** Returns the disks with the space that each takes, where the storage knows it. */
  disks(id: string, options?: CallOptions): Promise<DiskUse[]> {
    return this.#transport.get(path`/guests/${id}/disks`, {}, options);
  }

  /** Adds a disk, also while the guest runs. */
  addDisk(id: string, disk: NewDisk, options?: JobOptions & ConditionalOptions): Promise<Accepted<Guest>> {
    return submit(this.#transport, { method: 'POST', path: path`/guests/${id}/disks`, body: disk }, options);
  }

  /**
   * Grows a disk, also while the guest runs.
   * @param disk its number, serial or device name
   */
  changeDisk(
    id: string,
    disk: string,
    change: DiskPatch,
    options?: JobOptions & ConditionalOptions,
  ): Promise<Accepted<Guest>> {
    const request = { method: 'PATCH', path: path`/guests/${id}/disks/${disk}`, body: change } as const;
    return submit(this.#transport, request, options);
  }

  /** Removes a disk, and deletes its data unless `keep` is set. */
  removeDisk(
    id: string,
    disk: string,
    { keep, force, ...options }: DiskRemovalOptions = {},
  ): Promise<Accepted<Guest>> {
    const request = {
      method: 'DELETE',
      path: path`/guests/${id}/disks/${disk}`,
      query: { keep, force },
    } as const;
    return submit(this.#transport, request, options);
  }

  /** Opens the export of a virtual machine to one file; a file that was cut off lacks its end. */
  export(id: string, options: ExportOptions = {}): Promise<GuestExport> {
    return exportGuest(this.#transport, id, options);
  }

  /** Imports a virtual machine from an exported file or an OVA. The request ends once the file is received and checked. */
  import(bytes: Readable, options: ImportOptions = {}): Promise<Accepted<Guest>> {
    return importGuest(this.#transport, bytes, options);
  }

  /** Returns counters per vCPU. */
  cpuMetrics(id: string, options?: CallOptions): Promise<CpuMetrics[]> {
    return this.#transport.get(path`/guests/${id}/metrics/cpu`, {}, options);
  }

  /** Returns counters by device. */
  diskMetrics(id: string, options?: CallOptions): Promise<Record<string, DiskMetrics>> {
    return this.#transport.get(path`/guests/${id}/metrics/disk`, {}, options);
  }

  /** Returns counters by the name of the NIC. */
  nicMetrics(id: string, options?: CallOptions): Promise<Record<string, NicMetrics>> {
    return this.#transport.get(path`/guests/${id}/metrics/nic`, {}, options);
  }

  /** Returns the counters of all running guests, or of some. */
  metrics({ guests, signal }: GuestMetricsOptions = {}): Promise<GuestMetrics[]> {
    return this.#transport.get('/metrics/guests', guests ? { guest: guests.join(',') } : {}, { signal });
  }

  /**
   * Opens the serial console of a virtual machine, which may be off, or a shell in a container. `resize` sends the
   * size of the terminal to a container; a serial line ignores it.
   */
  openSerialConsole(
    id: string,
    { scrollback, ...options }: SerialConsoleOptions = {},
  ): Promise<OpenedConsole> {
    return connectConsole(this.#transport, path`/guests/${id}/console/serial`, { scrollback }, options);
  }

  /** Opens what a guest has printed: a container's output, or the serial console of a virtual machine. */
  logs(id: string, { signal, ...query }: LogsQuery & CallOptions = {}): Promise<Readable> {
    return this.#transport.open({
      method: 'GET',
      path: path`/guests/${id}/logs`,
      query: { ...query },
      signal,
    });
  }

  /** Opens a guest's screen, keyboard and mouse: a stream of RFB (RFC 6143) without a password. */
  async openVncConsole(id: string, options: CallOptions = {}): Promise<Duplex> {
    return (await connectConsole(this.#transport, path`/guests/${id}/console/vnc`, {}, options)).bytes;
  }
}
