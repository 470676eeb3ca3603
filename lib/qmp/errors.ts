/** QEMU rejected a command. */
export class QmpError extends Error {
  /** QMP's error class: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly qmpClass: string;
  /** QEMU's description of the error. */
  readonly desc: string;

  constructor(command: string, qmpClass: string, desc: string) {
    super(`${command}: ${desc}`);
    this.name = 'QmpError';
    this.qmpClass = qmpClass;
    this.desc = desc;
  }
}

/** The connection closed: QEMU exited, or either side closed it. */
export class QmpClosedError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}: the QMP connection is closed`, options);
    this.name = 'QmpClosedError';
  }
}

/** QEMU did not respond in time. The command may still take effect. */
export class QmpTimeoutError extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`${what}: no QMP response within ${timeoutMs} ms`);
    this.name = 'QmpTimeoutError';
  }
}
