import RFB from '/console/vendor/novnc/core/rfb.js';
import { attempt } from '../dialogs.js';
import { h } from '../dom.js';
import { consoleProtocols } from '../session.js';
import { Attachment, type Closed, consoleUrl } from './attachment.js';
import type { ConsoleScreen } from './console-screen.js';

/** The states in which a guest has a screen. */
const VISIBLE = ['running', 'paused', 'suspended', 'blocked', 'crashed', 'unknown'];

/** Opens a guest's screen, with its keyboard and mouse. */
export const openScreen = (
  guestId: string,
  parent: HTMLElement,
  showStatus: (text: string) => void,
): ConsoleScreen => {
  let rfb: RFB | undefined;

  const connect = (): Promise<Closed> =>
    new Promise((resolve) => {
      let wasOpen = false;
      let closed: { code?: number; reason?: string } = {};
      const socket = new WebSocket(consoleUrl(guestId, 'vnc'), consoleProtocols());
      // noVNC's disconnect event has no close code; listen first, so that it is known by then.
      socket.addEventListener('close', ({ code, reason }) => {
        closed = { code, reason };
      });
      rfb = new RFB(parent, socket, { shared: true });
      rfb.scaleViewport = true;
      rfb.background = 'transparent';
      rfb.addEventListener('connect', () => {
        wasOpen = true;
        showStatus('');
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
    isAvailable: (state) => VISIBLE.includes(state),
    showStatus,
  });
  const sendClipboard = (): Promise<void> =>
    attempt(async () => rfb?.clipboardPasteFrom(await navigator.clipboard.readText()));
  return {
    buttons: [
      h('button', { class: 'small', onclick: () => rfb?.sendCtrlAltDel() }, 'Ctrl+Alt+Del'),
      h(
        'button',
        {
          class: 'small',
          onclick: () => void sendClipboard(),
          title: "Send your clipboard's text to the guest's clipboard",
        },
        'Send clipboard',
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
