import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const PROMPT = 'virsh # ';
const COMMAND_MS = 120_000;

/** A virsh that runs one command after the other, on one connection. */
export class Virsh {
  readonly #child: ChildProcess;
  #output = '';
  #errors = '';
  #arrived: () => void = () => {};

  private constructor(uri: string) {
    this.#child = spawn('virsh', ['-q', '-c', uri], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#child.once('exit', () => this.#arrived());
  }

  /** @throws with virsh's message when it cannot connect */
  static async connect(uri: string): Promise<Virsh> {
    const virsh = new Virsh(uri);
    await virsh.#untilPrompt('connect');
    return virsh;
  }

  /** Runs a command. Returns what it printed. @throws with virsh's message when the command fails */
  async run(command: string): Promise<string> {
    this.#output = '';
    this.#child.stdin?.write(`${command}\n`);
    return (await this.#untilPrompt(command)).slice(0, -PROMPT.length);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  #receive(text: string): void {
    this.#output += text;
    this.#arrived();
  }

  async #untilPrompt(command: string): Promise<string> {
    const late = setTimeout(() => this.#child.kill('SIGKILL'), COMMAND_MS);
    try {
      while (!this.#output.endsWith(PROMPT) && this.#child.exitCode === null && !this.#child.killed)
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
    } finally {
      clearTimeout(late);
    }
    const failure = this.#errors.trim();
    this.#errors = '';
    if (failure !== '' || !this.#output.endsWith(PROMPT)) throw new Error(`virsh ${command}: ${failure}`);
    return this.#output;
  }
}
