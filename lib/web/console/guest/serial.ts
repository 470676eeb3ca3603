import { Terminal } from '/console/vendor/xterm/xterm.mjs';
import { FitAddon } from '/console/vendor/xterm-fit/addon-fit.mjs';
import { consoleProtocols } from '../session.js';
import { Attachment, consoleUrl, type Ended } from './attachment.js';
import type { ConsoleScreen } from './console.js';

const SCROLLBACK_BYTES = 65_536;

const THEME = {
  background: '#101418',
  foreground: '#d7dde3',
  cursor: '#7fd1dc',
  selectionBackground: '#2f5560',
};

const encoder = new TextEncoder();

/** The guest's serial console in a terminal. */
export const serialConsole = (
  guestId: string,
  place: HTMLElement,
  say: (text: string) => void,
): ConsoleScreen => {
  const terminal = new Terminal({
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
    fontSize: 14,
    // Of DejaVu Sans Mono, underscores are cut off without.
    lineHeight: 1.2,
    scrollback: 10_000,
    theme: THEME,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  // Shift+F6 is how the keyboard leaves the terminal: it goes to the page.
  terminal.attachCustomKeyEventHandler(({ key, shiftKey }) => !(key === 'F6' && shiftKey));
  let socket: WebSocket | undefined;

  const send = (data: Uint8Array<ArrayBuffer> | string): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(data);
  };
  const tellSize = (): void =>
    send(JSON.stringify({ resize: { columns: terminal.cols, rows: terminal.rows } }));
  terminal.onData((text) => send(encoder.encode(text)));
  terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
  terminal.onResize(tellSize);
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(place);

  const connect = (): Promise<Ended> =>
    new Promise((resolve) => {
      let wasOpen = false;
      socket = new WebSocket(
        `${consoleUrl(guestId, 'serial')}?scrollback=${SCROLLBACK_BYTES}`,
        consoleProtocols(),
      );
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => {
        wasOpen = true;
        terminal.reset();
        tellSize();
        say('');
      };
      socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
        terminal.write(typeof data === 'string' ? data : new Uint8Array(data));
      };
      socket.onclose = ({ code, reason }) => resolve({ wasOpen, code, reason });
    });

  const attachment = new Attachment({ guestId, kind: 'serial', connect, isPossible: () => true, say });
  terminal.focus();
  return {
    buttons: [],
    focus: () => terminal.focus(),
    wake: () => {},
    close: () => {
      attachment.close();
      socket?.close();
      observer.disconnect();
      terminal.dispose();
    },
  };
};
