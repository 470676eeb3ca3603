import type { Guest } from '../../../model/guest.js';
import { errorText } from '../api.js';
import { attempt } from '../dialogs.js';
import { h } from '../dom.js';
import type { Tab } from './overview.js';

/** What is on a console's page once its library is loaded. */
export interface ConsoleScreen {
  buttons: HTMLElement[];
  focus(): void;
  /** The guest has changed its state. */
  wake(): void;
  close(): void;
}

type Start = (guestId: string, place: HTMLElement, say: (text: string) => void) => ConsoleScreen;

/** The libraries are large: they are loaded when a console is opened. */
const START: Record<'serial' | 'screen', () => Promise<Start>> = {
  serial: async () => (await import('./serial.js')).serialConsole,
  screen: async () => (await import('./screen.js')).guestScreen,
};

const needStyle = (href: string): void => {
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(h('link', { rel: 'stylesheet', href }));
};

export const consoleTab = (guestId: string, kind: 'serial' | 'screen'): Tab => {
  const place = h('div', {
    class: `console ${kind}`,
    'aria-label': kind === 'serial' ? 'Serial console' : 'Screen',
  });
  const status = h('span', { class: 'faint', role: 'status' }, 'Loading …');
  const buttons = h('span', { class: 'row' });
  const full = h(
    'button',
    {
      class: 'small',
      onclick: () =>
        void attempt(async () => {
          await place.requestFullscreen();
          screen?.focus();
        }),
    },
    'Full screen',
  );
  let screen: ConsoleScreen | undefined;
  let isClosed = false;
  let state: string | undefined;
  const say = (text: string): void => {
    status.textContent = text || 'Connected';
    place.dataset.live = String(text === '');
  };
  // The keyboard is the guest's while it has the focus; Shift+F6 gives it back.
  place.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'F6' || !event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      full.focus();
    },
    { capture: true },
  );
  const start = async (): Promise<void> => {
    if (kind === 'serial') needStyle('/console/vendor/xterm/xterm.css');
    const begin = await START[kind]();
    if (isClosed) return;
    screen = begin(guestId, place, say);
    buttons.replaceChildren(...screen.buttons);
  };
  start().catch((error: unknown) => say(errorText(error)));
  return {
    element: h(
      'div',
      { class: 'console-page' },
      h(
        'div',
        { class: 'toolbar' },
        status,
        h('span', { class: 'grow' }),
        h('span', { class: 'faint medium-only' }, h('kbd', {}, 'Shift+F6'), ' leaves it'),
        buttons,
        full,
      ),
      place,
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
