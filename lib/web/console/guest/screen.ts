import RFB from '/console/vendor/novnc/core/rfb.js';
import { attempt } from '../dialogs.js';
import { h } from '../dom.js';
import { consoleProtocols } from '../session.js';
import { Attachment, consoleUrl, type Ended } from './attachment.js';
import type { ConsoleScreen } from './console.js';

const LIT = ['running', 'paused', 'suspended', 'blocked', 'crashed', 'unknown'];

/** The guest's screen, its keyboard and its mouse. */
export const guestScreen = (
  guestId: string,
  place: HTMLElement,
  say: (text: string) => void,
): ConsoleScreen => {
  let rfb: RFB | undefined;

  const connect = (): Promise<Ended> =>
    new Promise((resolve) => {
      let wasOpen = false;
      let closed: { code?: number; reason?: string } = {};
      const socket = new WebSocket(consoleUrl(guestId, 'vnc'), consoleProtocols());
      // Before noVNC's own listener, which tells of the end but not of its reason.
      socket.addEventListener('close', ({ code, reason }) => {
        closed = { code, reason };
      });
      rfb = new RFB(place, socket, { shared: true });
      rfb.scaleViewport = true;
      rfb.background = 'transparent';
      rfb.addEventListener('connect', () => {
        wasOpen = true;
        say('');
        rfb?.focus({ preventScroll: true });
      });
      rfb.addEventListener('disconnect', () => {
        rfb = undefined;
        resolve({ wasOpen, ...closed });
      });
    });

  const attachment = new Attachment({
    guestId,
    kind: 'vnc',
    connect,
    isPossible: (state) => LIT.includes(state),
    say,
  });
  const paste = (): Promise<void> =>
    attempt(async () => rfb?.clipboardPasteFrom(await navigator.clipboard.readText()));
  return {
    buttons: [
      h('button', { class: 'small', onclick: () => rfb?.sendCtrlAltDel() }, 'Ctrl+Alt+Del'),
      h(
        'button',
        { class: 'small', onclick: () => void paste(), title: "Gives it the clipboard's text" },
        'Clipboard',
      ),
    ],
    focus: () => rfb?.focus(),
    wake: () => {
      if (!rfb) attachment.wake();
    },
    close: () => {
      attachment.close();
      rfb?.disconnect();
    },
  };
};
