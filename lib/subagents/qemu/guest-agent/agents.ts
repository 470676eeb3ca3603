import { Locks } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { GuestAgent, GuestAgentError, GuestAgentTimeout } from '../../shared/guest-agent/client.js';
import { hasAgent } from '../../shared/guest-agent/port.js';
import type { Guests } from '../guests/guests.js';

/**
 * How long a request waits for the guest agent. Its port serves one client at a time, and the storage sub-agent keeps it
 * while a snapshot has the guest's file systems frozen.
 */
const CONNECT_TIMEOUT_MS = 15_000;
const COMMAND_TIMEOUT_MS = 10_000;
/** Two outputs of 16 MiB in base64: the most that a response has (qga/commands.c, GUEST_EXEC_MAX_OUTPUT). */
const MAX_LINE_BYTES = 48 * 1024 * 1024;
/** The class of the error for a command that the agent does not have or does not allow. */
const NOT_ALLOWED = 'CommandNotFound';

const INSTALL =
  'install the package qemu-guest-agent in the guest and start its service (systemctl enable --now qemu-guest-agent)';
const ALLOW =
  'allow it in the guest and restart its qemu-guest-agent. Red Hat and its relatives list what they block in /etc/sysconfig/qemu-ga, others in /etc/qemu/qemu-ga.conf';

/** Runs a command of a guest's agent, within 10 s by default. */
export type RunCommand = <Result>(
  command: string,
  args?: Record<string, unknown>,
  timeoutMs?: number,
) => Promise<Result>;

/** The agent refused a command, such as the opening of a file, for a reason of the guest's. */
export class CommandFailed extends Refusal {}

const isFrozen = async (agent: GuestAgent): Promise<boolean> => {
  const status = await agent
    .execute('guest-fsfreeze-status', COMMAND_TIMEOUT_MS)
    .catch((): undefined => undefined);
  return status === 'frozen';
};

const notAllowed = async (agent: GuestAgent, id: string, command: string): Promise<Refusal> =>
  (await isFrozen(agent))
    ? new Refusal(
        'conflict',
        `guest ${id}: its file systems are frozen for a snapshot: retry when it is taken`,
      )
    : new Refusal('conflict', `guest ${id}: its guest agent does not allow ${command}: ${ALLOW}`);

/** Words the failure of a command. Only the agent's client can mend it, so it is a conflict. */
const refusalOf = async (
  agent: GuestAgent,
  id: string,
  command: string,
  error: unknown,
): Promise<unknown> => {
  if (error instanceof GuestAgentTimeout)
    return new Refusal('conflict', `guest ${id}: its guest agent hangs: ${errorMessage(error)}`);
  if (!(error instanceof GuestAgentError)) return error;
  if (error.errorClass === NOT_ALLOWED) return notAllowed(agent, id, command);
  return new CommandFailed('conflict', `guest ${id}: ${errorMessage(error)}`);
};

/**
 * The guest agents of running guests. Requests to one of them come one at a time, each over a connection of its own,
 * which is closed soon: meanwhile no other process can reach the agent.
 */
export class GuestAgents {
  readonly guests: Guests;
  readonly #locks = new Locks();

  constructor(guests: Guests) {
    this.guests = guests;
  }

  /**
   * Runs commands of a guest's agent over one connection. Keep it short.
   * @throws {Refusal} `conflict` when the guest is off, has no agent, or its agent does not respond, does not allow a
   * command or fails
   */
  async use<Result>(
    id: string,
    work: (run: RunCommand) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const socket = await this.#socketOf(id);
    return this.#locks.run(id, async () => {
      signal?.throwIfAborted();
      const agent = await this.#connect(id, socket);
      const run: RunCommand = async <Value>(
        command: string,
        args?: Record<string, unknown>,
        timeoutMs = COMMAND_TIMEOUT_MS,
      ): Promise<Value> => {
        try {
          return (await agent.execute(command, timeoutMs, args)) as Value;
        } catch (error) {
          throw await refusalOf(agent, id, command, error);
        }
      };
      try {
        return await work(run);
      } finally {
        agent.close();
      }
    });
  }

  /** Returns the socket of the agent's port. */
  async #socketOf(id: string): Promise<string> {
    const entry = this.guests.get(id);
    const { state } = await this.guests.state(entry);
    // A QEMU that is late with its responses may still have a guest that runs.
    if (state === 'unknown' && entry.watch) return entry.paths.guestAgent;
    if (state !== 'running' || !entry.watch)
      throw entry.stateError(state, 'its guest agent responds only while the guest runs');
    if (await hasAgent(entry.watch)) return entry.paths.guestAgent;
    throw new Refusal('conflict', `guest ${id} has no guest agent: ${INSTALL}`);
  }

  async #connect(id: string, socket: string): Promise<GuestAgent> {
    try {
      return await GuestAgent.connect(socket, CONNECT_TIMEOUT_MS, MAX_LINE_BYTES);
    } catch (error) {
      const waited = `within ${CONNECT_TIMEOUT_MS / 1000} s`;
      throw new Refusal(
        'conflict',
        `guest ${id}: its guest agent did not respond ${waited}: it may hang, or serve a snapshot that takes long: retry later`,
        { cause: error },
      );
    }
  }
}
