import type { Schema } from 'joi';
import { invalid } from '../../errors.js';
import { actionName } from '../../model/actions.js';
import {
  CONTAINER_EXEC_KEYS,
  DEFAULT_EXEC_SECONDS,
  type ExecRequest,
  type ExecResult,
  execResultSchema,
} from '../../model/exec.js';
import { type Guest, isContainer } from '../../model/guest.js';
import { type GuestAddress, guestAddressesSchema } from '../../model/guest-addresses.js';
import { type GuestAgentInfo, guestAgentInfoSchema } from '../../model/guest-agent.js';
import {
  type ClockChange,
  clockSchema,
  type FilePiece,
  type FileWritten,
  fileWrittenSchema,
  nothingSchema,
  type PasswordChange,
  type SshKeys,
  type Trim,
  trimSchema,
} from '../../model/in-guest.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import {
  type InGuestRequest,
  type InGuestResponse,
  inGuestResponseSchema,
  type ReadFileRequest,
} from '../../rpc/protocol/in-guest-messages.js';
import { type Action, withArgs } from '../pipeline/action.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';

/** Runs an action whose stages act inside a running guest. Neither its body nor its result is stored anywhere. */
const act = async <Result>(
  runtime: Runtime,
  { guest, action, result: schema }: { guest: Guest; action: Action; result: Schema<Result> },
  body: unknown,
  signal: AbortSignal,
): Promise<ActionResult<Result>> => {
  const { pipelineId, result } = await runtime.query<InGuestRequest, InGuestResponse<Result>>(
    guest.id,
    action,
    {
      request: ({ args }) => ({
        guest,
        action: action.name,
        ...(args ? { args } : {}),
        ...(body === undefined ? {} : { body }),
      }),
      onResponse: requireShape(inGuestResponseSchema(schema.required())),
    },
    signal,
  );
  return { pipelineId, result: (result as InGuestResponse<Result>).result };
};

/**
 * Runs a program in a guest, and waits for its end for as long as the request says.
 * @throws {AgentError} `invalid` for what the guest agent of a virtual machine cannot do
 */
export const execInGuest = (
  runtime: Runtime,
  guest: Guest,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ActionResult<ExecResult>> => {
  const { timeout = DEFAULT_EXEC_SECONDS } = request;
  const key = isContainer(guest)
    ? undefined
    : CONTAINER_EXEC_KEYS.find((each) => request[each] !== undefined);
  if (key !== undefined)
    throw invalid(
      `"${key}" is for a container: the guest agent of ${guest.id} runs programs as root, in a directory of its own; ` +
        'run a shell for more: sh -c "cd /srv && ...", or su',
    );
  const action = withArgs(runtime.action(actionName(guest.type, 'exec')), { timeout: String(timeout) });
  return act(runtime, { guest, action, result: execResultSchema }, request, signal);
};

/** @throws {AgentError} `invalid` for a container, which has no guest agent */
const requireVm = (guest: Guest, instead: string): void => {
  if (isContainer(guest))
    throw invalid(`guest ${guest.id} is a container, which has no guest agent: ${instead}`);
};

const RESULTS = {
  agentInfo: guestAgentInfoSchema,
  writeFile: fileWrittenSchema,
  setPassword: nothingSchema,
  addSshKeys: nothingSchema,
  trim: trimSchema,
  setClock: clockSchema,
} as const;

interface Bodies {
  agentInfo: undefined;
  writeFile: FilePiece;
  setPassword: PasswordChange;
  addSshKeys: SshKeys;
  trim: undefined;
  setClock: undefined;
}

interface Results {
  agentInfo: GuestAgentInfo;
  writeFile: FileWritten;
  setPassword: Record<string, never>;
  addSshKeys: Record<string, never>;
  trim: Trim;
  setClock: ClockChange;
}

/** Lists the addresses of a guest, with how each is known. */
export const queryAddresses = (
  runtime: Runtime,
  guest: Guest,
  signal: AbortSignal,
): Promise<ActionResult<GuestAddress[]>> => {
  const action = runtime.action(actionName(guest.type, 'guestAddresses'));
  return act(runtime, { guest, action, result: guestAddressesSchema }, undefined, signal);
};

const USE_EXEC = 'run a program in it instead (exec)';

/**
 * Asks the agent of a virtual machine to do something.
 * @throws {AgentError} `invalid` for a container
 */
export const askGuestAgent = <Name extends keyof Results & keyof Bodies>(
  runtime: Runtime,
  guest: Guest,
  name: Name,
  body: Bodies[Name],
  signal: AbortSignal,
): Promise<ActionResult<Results[Name]>> => {
  requireVm(guest, USE_EXEC);
  const result = RESULTS[name] as unknown as Schema<Results[Name]>;
  return act(runtime, { guest, action: runtime.action(name), result }, body, signal);
};

/**
 * Opens a file in a virtual machine.
 * @throws {AgentError} `invalid` for a container
 */
export const openGuestFile = (
  runtime: Runtime,
  guest: Guest,
  path: string,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> => {
  requireVm(guest, USE_EXEC);
  const request: ReadFileRequest = { guest: guest.id, path };
  return runtime.stream(guest.id, runtime.action('readFile'), request, signal);
};
