import type * as Hapi from '@hapi/hapi';

/** An answer in words, as a sub-agent says what is wrong with a call. */
export const plain = (h: Hapi.ResponseToolkit, status: number, message: string): Hapi.ResponseObject =>
  h.response(`${message}\n`).type('text/plain').code(status);
