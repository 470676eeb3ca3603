/** A stream or console that cannot be had: the status and the message reach the agent's client. */
export class StreamError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
