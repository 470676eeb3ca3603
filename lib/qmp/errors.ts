/** QEMU refused a command: its error class (`GenericError`, `CommandNotFound`, `DeviceNotFound`, …) and words. */
export class QmpError extends Error {
  /** The class that QMP gave the error. */
  readonly qmpClass: string;
  /** What QEMU says about it, for a person to read. */
  readonly desc: string;

  constructor(command: string, qmpClass: string, desc: string) {
    super(`${command}: ${desc}`);
    this.name = 'QmpError';
    this.qmpClass = qmpClass;
    this.desc = desc;
  }
}

/** The connection is gone: QEMU ended, or either side closed it. */
export class QmpClosedError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`${what}: the QMP connection is closed`, options);
    this.name = 'QmpClosedError';
  }
}

/** QEMU did not answer in time. The command may still take effect. */
export class QmpTimeoutError extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`${what}: no answer over QMP within ${timeoutMs} ms`);
    this.name = 'QmpTimeoutError';
  }
}
