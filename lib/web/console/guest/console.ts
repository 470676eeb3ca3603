import type { Guest } from '../../../model/guest.js';
import { errorText } from '../api.js';
import { attempt } from '../dialogs.js';
import { h } from '../dom.js';
import type { ConsoleScreen } from './console-screen.js';
import type { Tab } from './tab.js';

type Open = (guestId: string, parent: HTMLElement, showStatus: (text: string) => void) => ConsoleScreen;

/** Loads the large libraries of each console when it is first opened. */
const LOAD: Record<'serial' | 'screen', () => Promise<Open>> = {
  serial: async () => (await import('./serial.js')).openSerialConsole,
  screen: async () => (await import('./screen.js')).openScreen,
};

const addStyleSheet = (href: string): void => {
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(h('link', { rel: 'stylesheet', href }));
};

export const consoleTab = (guestId: string, kind: 'serial' | 'screen'): Tab => {
  const parent = h('div', {
    class: `console ${kind}`,
    role: 'group',
    'aria-label': kind === 'serial' ? 'Serial console' : 'Screen',
  });
  const status = h('span', { class: 'faint', role: 'status' }, 'Loading …');
  const buttons = h('span', { class: 'row' });
  const fullScreen = h(
    'button',
    {
      class: 'small',
      onclick: () =>
        void attempt(async () => {
          await parent.requestFullscreen();
          screen?.focus();
        }),
    },
    'Full screen',
  );
  let screen: ConsoleScreen | undefined;
  let isClosed = false;
  let state: string | undefined;
  /** An empty text means that the console is connected. */
  const showStatus = (text: string): void => {
    status.textContent = text || 'Connected';
    parent.dataset.live = String(text === '');
  };
  // A focused console takes every other key for the guest.
  parent.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'F6' || !event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      fullScreen.focus();
    },
    { capture: true },
  );
  const start = async (): Promise<void> => {
    if (kind === 'serial') addStyleSheet('/console/vendor/xterm/xterm.css');
    const open = await LOAD[kind]();
    if (isClosed) return;
    screen = open(guestId, parent, showStatus);
    buttons.replaceChildren(...screen.buttons);
  };
  start().catch((error: unknown) => showStatus(errorText(error)));
  return {
    element: h(
      'div',
      { class: 'console-page' },
      h(
        'div',
        { class: 'toolbar' },
        status,
        h('span', { class: 'grow' }),
        h('span', { class: 'faint medium-only' }, h('kbd', {}, 'Shift+F6'), ' releases the keyboard'),
        buttons,
        fullScreen,
      ),
      parent,
    ),
    update: (guest: Guest) => {
      if (guest.state !== state) screen?.wake();
      state = guest.state;
    },
    close: () => {
      isClosed = true;
      screen?.close();
    },
  };
};
