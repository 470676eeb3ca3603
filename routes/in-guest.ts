import { addGuestSshKeys } from '../handlers/guests/agent/add-ssh-keys.js';
import { getGuestAgent } from '../handlers/guests/agent/get.js';
import { setGuestClock } from '../handlers/guests/agent/set-clock.js';
import { setGuestPassword } from '../handlers/guests/agent/set-password.js';
import { trimGuest } from '../handlers/guests/agent/trim.js';
import { runInGuest } from '../handlers/guests/exec.js';
import { openGuestExec } from '../handlers/guests/exec-session.js';
import { readGuestFile } from '../handlers/guests/files/read.js';
import { writeGuestFile } from '../handlers/guests/files/write.js';
import type { Context } from '../lib/agent/context.js';
import { execRequestSchema } from '../lib/model/exec.js';
import { filePathSchema, filePositionSchema, passwordSchema, sshKeysSchema } from '../lib/model/in-guest.js';
import { type Route, route } from '../lib/server/route.js';
import { guestParams } from './schemas/params.js';
import { replies } from './schemas/replies.js';

/** JSON has types, so a number in a string is a mistake. */
const strict = { convert: false } as const;

const common = { tags: ['inside guests'], params: guestParams, callsSubAgent: true } as const;

const PATH = '/guests/{guestID}';

const fileRoutes: Route<Context>[] = [
  route({
    ...common,
    method: 'GET',
    path: `${PATH}/files`,
    operationId: 'readGuestFile',
    summary: 'Read a file in a virtual machine, through its guest agent',
    can: 'content',
    query: filePathSchema,
    reply: { status: 200, description: "The file's bytes", type: 'application/octet-stream' },
    handler: readGuestFile,
  }),
  route({
    ...common,
    method: 'PUT',
    path: `${PATH}/files`,
    operationId: 'writeGuestFile',
    summary: 'Write a piece of a file in a virtual machine, through its guest agent',
    can: 'console',
    query: filePositionSchema,
    payload: 'bytes',
    reply: { status: 200, description: 'The body is written', schema: replies.fileWritten },
    handler: writeGuestFile,
  }),
];

export const inGuestRoutes: Route<Context>[] = [
  route({
    ...common,
    method: 'POST',
    path: `${PATH}/exec`,
    operationId: 'execInGuest',
    summary: 'Run a program in a guest and wait for its end',
    can: 'console',
    payload: execRequestSchema.required().prefs(strict),
    reply: {
      status: 200,
      description: 'The program has ended, or still runs after the time in the request',
      schema: replies.exec,
    },
    handler: runInGuest,
  }),
  route({
    ...common,
    method: 'GET',
    path: `${PATH}/exec`,
    operationId: 'openGuestExec',
    summary: 'Run a program in a container with its input and outputs connected',
    can: 'console',
    reply: {
      status: 101,
      description:
        'A WebSocket, subprotocol `mistify.console`: the first message is a text with what to run; binary messages are input, and output after the number of its stream',
    },
    handler: openGuestExec,
  }),
  ...fileRoutes,
  route({
    ...common,
    method: 'GET',
    path: `${PATH}/agent`,
    operationId: 'getGuestAgent',
    summary: 'Get what the guest agent of a virtual machine says about it',
    can: 'look',
    reply: { status: 200, description: 'What the guest agent says', schema: replies.guestAgent },
    handler: getGuestAgent,
  }),
  route({
    ...common,
    method: 'POST',
    path: `${PATH}/agent/password`,
    operationId: 'setGuestPassword',
    summary: 'Set the password of a user in a virtual machine',
    can: 'console',
    payload: passwordSchema.required().prefs(strict),
    reply: { status: 200, description: 'The password is set', schema: replies.nothing },
    handler: setGuestPassword,
  }),
  route({
    ...common,
    method: 'POST',
    path: `${PATH}/agent/ssh-keys`,
    operationId: 'addGuestSshKeys',
    summary: 'Let SSH keys log in as a user of a virtual machine',
    can: 'console',
    payload: sshKeysSchema.required().prefs(strict),
    reply: { status: 200, description: 'The keys may log in', schema: replies.nothing },
    handler: addGuestSshKeys,
  }),
  route({
    ...common,
    method: 'POST',
    path: `${PATH}/agent/trim`,
    operationId: 'trimGuest',
    summary: 'Let a virtual machine give back the blocks that its file systems do not use',
    can: 'console',
    reply: { status: 200, description: 'The file systems, trimmed or not', schema: replies.trim },
    handler: trimGuest,
  }),
  route({
    ...common,
    method: 'POST',
    path: `${PATH}/agent/clock`,
    operationId: 'setGuestClock',
    summary: 'Set the clock of a virtual machine to that of the host',
    can: 'console',
    reply: { status: 200, description: 'The clock is set', schema: replies.clock },
    handler: setGuestClock,
  }),
];
