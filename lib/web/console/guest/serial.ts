import { Terminal } from '/console/vendor/xterm/xterm.mjs';
import { FitAddon } from '/console/vendor/xterm-fit/addon-fit.mjs';
import { consoleProtocols } from '../session.js';
import { Attachment, type Closed, consoleUrl } from './attachment.js';
import type { ConsoleScreen } from './console-screen.js';

const SCROLLBACK_BYTES = 65_536;

const THEME = {
  background: '#101418',
  foreground: '#d7dde3',
  cursor: '#7fd1dc',
  selectionBackground: '#2f5560',
};

const encoder = new TextEncoder();

/** Opens a guest's serial console in a terminal. */
export const openSerialConsole = (
  guestId: string,
  parent: HTMLElement,
  showStatus: (text: string) => void,
): ConsoleScreen => {
  const terminal = new Terminal({
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
    fontSize: 14,
    // A smaller one cuts off the underscores of DejaVu Sans Mono.
    lineHeight: 1.2,
    scrollback: 10_000,
    theme: THEME,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(parent);
  // Leave Shift+F6 to the page, where it releases the keyboard.
  terminal.attachCustomKeyEventHandler(({ key, shiftKey }) => !(key === 'F6' && shiftKey));
  let socket: WebSocket | undefined;

  const send = (data: Uint8Array<ArrayBuffer> | string): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(data);
  };
  const sendSize = (): void =>
    send(JSON.stringify({ resize: { columns: terminal.cols, rows: terminal.rows } }));
  terminal.onData((text) => send(encoder.encode(text)));
  terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
  terminal.onResize(sendSize);
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(parent);

  const connect = (): Promise<Closed> =>
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
        sendSize();
        showStatus('');
      };
      socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
        terminal.write(typeof data === 'string' ? data : new Uint8Array(data));
      };
      socket.onclose = ({ code, reason }) => resolve({ wasOpen, code, reason });
    });

  const attachment = new Attachment({
    guestId,
    kind: 'serial',
    connect,
    isAvailable: () => true,
    showStatus,
  });
  terminal.focus();
  return {
    buttons: [],
    focus: () => terminal.focus(),
    wake: () => {
      if (socket?.readyState !== WebSocket.OPEN) attachment.wake();
    },
    close: () => {
      attachment.close();
      socket?.close();
      observer.disconnect();
      terminal.dispose();
    },
  };
};
