import RFB from '/console/vendor/novnc/core/rfb.js';
import { readClipboard } from '../clipboard.js';
import { attempt, toast } from '../dialogs.js';
import { h } from '../dom.js';
import { consoleProtocols } from '../session.js';
import { count } from '../words.js';
import { Attachment, type Closed, consoleUrl } from './attachment.js';
import type { ConsoleScreen } from './console-screen.js';
import { touchKeyboard } from './touch-keyboard.js';

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
    attempt(async () => {
      if (!rfb) throw new Error('The screen is not connected.');
      const text = await readClipboard();
      rfb.clipboardPasteFrom(text);
      toast(`${count(text.length, 'character')} sent to the clipboard of the guest: paste them there.`);
    });
  return {
    buttons: [
      ...touchKeyboard(() => rfb),
      h('button', { class: 'small', onclick: () => rfb?.sendCtrlAltDel() }, 'Ctrl+Alt+Del'),
      h(
        'button',
        {
          class: 'small',
          onclick: () => void sendClipboard(),
          title:
            "Copies the text of your clipboard to the guest's, which needs an agent in the guest, such as spice-vdagent",
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
