import { setTimeout as delay } from 'node:timers/promises';
import type { Accepted, MistifyClient } from '../../lib/client/index.js';
import { errorMessage } from '../../lib/errors.js';
import type { GuestAction } from '../../lib/model/actions.js';
import { SerialConsole } from './serial-console.js';

const MEMORY_MB = 128;
/** The guest says that it is alive once a second. */
const ALIVE = 'mistify-guest: alive';
const UP = 'mistify-guest: up';

export interface DemoOptions {
  client: MistifyClient;
  /** Where the agent can fetch the disk image. */
  imageUrl: string;
  imageId: string;
  /** A bridge, or `user`. */
  network: string;
  /** Where a guest's serial log is. */
  serialLog: (guestId: string) => string;
  /** Is told each step, and what came of it. */
  say: (line: string) => void;
}

/** One guest's life, step by step; what is left of it at the end is nothing. */
export class GuestLife {
  readonly #options: DemoOptions;
  #guestId = '';

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** @throws {Error} at the first step that does not go as it should; what was made is taken away all the same */
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
    say('the guest says on its serial console that it is up');
    const guest = await client.guests.get(this.#guestId);
    say(`it is ${guest.state}, ${guest.memory} MB, ${guest.cpu} vCPU, VNC on 127.0.0.1:${guest.vnc}`);
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
    this.#expect((cpu[0]?.cpu_time ?? 0) > 0, 'its vCPU has used no time');
    this.#expect((disk.vda?.read_bytes ?? 0) > 0, 'nothing was read from its disk');
  }

  async #suspendAndResume(): Promise<void> {
    const { say } = this.#options;
    await this.#act('suspend', 'paused');
    const before = await this.#console.count(ALIVE);
    await delay(2500);
    this.#expect((await this.#console.count(ALIVE)) <= before + 1, 'a suspended guest went on talking');
    say('it is silent');
    await this.#act('resume', 'running');
    await this.#console.waitFor(ALIVE, { times: before + 2 });
    say('it talks again');
  }

  /** Its disk counts its boots, so a rolled back one can be told: it counts on from where the snapshot was. */
  async #snapshotAndRollBack(): Promise<void> {
    const { client, say } = this.#options;
    const console = this.#console;
    await this.#do('take snapshot first-boot', () => client.snapshotsOf(this.#guestId).create('first-boot'));
    say(`snapshots: ${JSON.stringify((await client.snapshotsOf(this.#guestId).list()).items)}`);
    await this.#act('reboot', 'running');
    await console.waitFor('mistify-guest: boot 2');
    await console.waitFor(UP, { times: 2 });
    say('it has rebooted: its disk counts 2 boots');
    await this.#act('shutdown', 'shutoff');
    await this.#do('roll it back to first-boot', () =>
      client.snapshotsOf(this.#guestId).rollBack('first-boot'),
    );
    await this.#act('start', 'running');
    await console.waitFor(UP, { times: 3 });
    this.#expect((await console.count('mistify-guest: boot 3')) === 0, 'the roll back had no effect');
    this.#expect((await console.count('mistify-guest: boot 2')) === 2, 'its disk lost count of its boots');
    say('its disk counts 2 boots again: it was rolled back');
    await this.#act('shutdown', 'shutoff');
  }

  async #cleanUp(): Promise<void> {
    const { client, imageId, say } = this.#options;
    if (this.#guestId) {
      await this.#do('delete the guest', () => client.guests.perform(this.#guestId, 'delete')).catch(
        this.#tell,
      );
    }
    await this.#do('delete the image', () => client.images.delete(imageId)).catch(this.#tell);
    const left = (await client.guests.list()).items.some(({ id }) => id === this.#guestId);
    const image = (await client.images.list()).items.some(({ id }) => id === imageId);
    say(left || image ? 'something was left behind: see above' : 'nothing is left behind');
  }

  readonly #tell = (error: unknown): void => this.#options.say(`failed: ${errorMessage(error)}`);

  async #act(action: GuestAction, state: string): Promise<void> {
    const { client } = this.#options;
    await this.#do(action, () => client.guests.perform(this.#guestId, action));
    const guest = await client.guests.get(this.#guestId);
    this.#expect(guest.state === state, `after ${action} the guest is ${guest.state}, not ${state}`);
  }

  /** Asks for something and follows its job to the end. */
  async #do(step: string, ask: () => Promise<Accepted<unknown>>): Promise<void> {
    const { client, say } = this.#options;
    const startedAt = Date.now();
    say(`${step} …`);
    const { jobId } = await ask();
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
