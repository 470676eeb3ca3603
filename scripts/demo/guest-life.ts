import { setTimeout as delay } from 'node:timers/promises';
import type { Accepted, MistifyClient } from '../../lib/client/index.js';
import { errorMessage } from '../../lib/errors.js';
import type { GuestAction } from '../../lib/model/actions.js';
import { SerialConsole } from './serial-console.js';

const MEMORY_MB = 128;
/** The guest prints this once a second. */
const ALIVE = 'mistify-guest: alive';
const UP = 'mistify-guest: up';

export interface DemoOptions {
  client: MistifyClient;
  /** The URL from which the agent fetches the disk image. */
  imageUrl: string;
  imageId: string;
  /** The name of a bridge, or `user`. */
  network: string;
  /** Returns the path of a guest's serial log. */
  serialLog: (guestId: string) => string;
  /** Prints a step or its result. */
  say: (line: string) => void;
}

/** The life of one guest, step by step, which leaves nothing behind. */
export class GuestLife {
  readonly #options: DemoOptions;
  #guestId = '';

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** @throws {Error} at the first step that fails, after the guest and its image are deleted */
  async live(): Promise<void> {
    try {
      await this.#fetchImage();
      await this.#create();
      await this.#measure();
      await this.#suspendAndResume();
      await this.#snapshotAndRollBack();
    } finally {
      await this.#cleanUp();
    }
  }

  get #console(): SerialConsole {
    return new SerialConsole(this.#options.serialLog(this.#guestId));
  }

  async #fetchImage(): Promise<void> {
    const { client, imageId, imageUrl } = this.#options;
    await this.#do(`fetch image ${imageId}`, () => client.images.fetch({ id: imageId, source: imageUrl }));
  }

  async #create(): Promise<void> {
    const { client, imageId, network, say } = this.#options;
    const spec = {
      memory: MEMORY_MB,
      cpu: 1,
      disks: [{ image: imageId }],
      nics: [{ network, model: 'virtio' }],
      metadata: { purpose: 'demo' },
    };
    await this.#do('create the guest', async () => {
      const accepted = await client.guests.create(spec);
      this.#guestId = accepted.body.id;
      return accepted;
    });
    await this.#console.waitFor(UP);
    say('the guest has booted: its serial console says that it is up');
    const guest = await client.guests.get(this.#guestId);
    say(`the guest is ${guest.state}: ${guest.memory} MB, ${guest.cpu} vCPU, VNC on 127.0.0.1:${guest.vnc}`);
    this.#expect(guest.state === 'running', `the guest is ${guest.state}, not running`);
  }

  async #measure(): Promise<void> {
    const { client, say } = this.#options;
    const [cpu, disk, nic] = await Promise.all([
      client.guests.cpuMetrics(this.#guestId),
      client.guests.diskMetrics(this.#guestId),
      client.guests.nicMetrics(this.#guestId),
    ]);
    say(`cpu metrics: ${JSON.stringify(cpu)}`);
    say(`disk metrics: ${JSON.stringify(disk)}`);
    say(`nic metrics: ${JSON.stringify(nic)}`);
    this.#expect((cpu[0]?.cpu_time ?? 0) > 0, 'the vCPU of the guest has used no time');
    this.#expect((disk.vda?.read_bytes ?? 0) > 0, 'the guest has read nothing from its disk');
  }

  async #suspendAndResume(): Promise<void> {
    const { say } = this.#options;
    await this.#act('suspend', 'paused');
    const before = await this.#console.count(ALIVE);
    await delay(2500);
    this.#expect((await this.#console.count(ALIVE)) <= before + 1, 'the suspended guest kept printing');
    say('the guest is silent');
    await this.#act('resume', 'running');
    await this.#console.waitFor(ALIVE, { times: before + 2 });
    say('the guest prints again');
  }

  /** The guest counts its boots on its disk, so a disk that was rolled back repeats a count. */
  async #snapshotAndRollBack(): Promise<void> {
    const { client, say } = this.#options;
    const console = this.#console;
    await this.#do('take snapshot first-boot', () => client.snapshotsOf(this.#guestId).create('first-boot'));
    say(`snapshots: ${JSON.stringify((await client.snapshotsOf(this.#guestId).list()).items)}`);
    await this.#act('reboot', 'running');
    await console.waitFor('mistify-guest: boot 2');
    await console.waitFor(UP, { times: 2 });
    say('the guest has rebooted: its disk counts 2 boots');
    await this.#act('shutdown', 'shutoff');
    await this.#do('roll back to snapshot first-boot', () =>
      client.snapshotsOf(this.#guestId).rollBack('first-boot'),
    );
    await this.#act('start', 'running');
    await console.waitFor(UP, { times: 3 });
    this.#expect((await console.count('mistify-guest: boot 3')) === 0, 'the rollback had no effect');
    this.#expect(
      (await console.count('mistify-guest: boot 2')) === 2,
      'the disk does not repeat the count of its second boot',
    );
    say('the disk was rolled back: it counts 2 boots again');
    await this.#act('shutdown', 'shutoff');
  }

  async #cleanUp(): Promise<void> {
    const { client, imageId, say } = this.#options;
    if (this.#guestId) {
      await this.#do('delete the guest', () => client.guests.perform(this.#guestId, 'delete')).catch(
        this.#reportFailure,
      );
    }
    await this.#do('delete the image', () => client.images.delete(imageId)).catch(this.#reportFailure);
    const left = (await client.guests.list()).items.some(({ id }) => id === this.#guestId);
    const image = (await client.images.list()).items.some(({ id }) => id === imageId);
    say(left || image ? 'something is left behind, see above' : 'nothing is left behind');
  }

  readonly #reportFailure = (error: unknown): void => this.#options.say(`failed: ${errorMessage(error)}`);

  async #act(action: GuestAction, state: string): Promise<void> {
    const { client } = this.#options;
    await this.#do(action, () => client.guests.perform(this.#guestId, action));
    const guest = await client.guests.get(this.#guestId);
    this.#expect(guest.state === state, `after ${action} the guest is ${guest.state}, not ${state}`);
  }

  /** Makes a request and prints the progress of its job until it ends. */
  async #do(step: string, request: () => Promise<Accepted<unknown>>): Promise<void> {
    const { client, say } = this.#options;
    const startedAt = Date.now();
    say(`${step} …`);
    const { jobId } = await request();
    await client.waitForJob(jobId, {
      onProgress: ({ ID, Status, Message }) => {
        const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
        say(`  job ${ID.slice(0, 8)} ${Status}${Message ? `: ${Message}` : ''} (${seconds} s)`);
      },
    });
  }

  #expect(condition: boolean, otherwise: string): void {
    if (!condition) throw new Error(otherwise);
  }
}
