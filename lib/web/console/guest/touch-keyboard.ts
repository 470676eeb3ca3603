import keysyms from '/console/vendor/novnc/core/input/keysymdef.js';
import type RFB from '/console/vendor/novnc/core/rfb.js';
import { typedKeys } from '../../../portable/typed-keys.js';
import { h } from '../dom.js';

const KEYS = { Esc: 0xff1b, Tab: 0xff09 };
const CONTROLS: Record<string, number> = { '\b': 0xff08, '\n': 0xff0d, '\t': KEYS.Tab };

/** What the field has before anything is typed, so that the keyboard has something for Backspace to delete. */
const FILLING = '_'.repeat(100);

const keysymOf = (character: string): number =>
  CONTROLS[character] ?? keysyms.lookup(character.codePointAt(0) ?? 0);

/**
 * Creates the buttons with which a device without a keyboard types into a guest. The screen of a guest is a picture,
 * for which phones show no keyboard, so a field that nobody sees takes what is typed. Phones send words, with
 * corrections, instead of keys: the difference to what the field had before tells the keys.
 */
export const touchKeyboard = (rfb: () => RFB | undefined): HTMLElement[] => {
  let before = FILLING;
  const press = (keysym: number): void => rfb()?.sendKey(keysym);
  const field = h('textarea', {
    class: 'touch-field',
    'aria-label': 'Keyboard of the guest',
    tabindex: -1,
    autocomplete: 'off',
    autocapitalize: 'none',
    autocorrect: 'off',
    spellcheck: 'false',
    oninput: (event) => {
      for (const character of typedKeys(before, field.value)) press(keysymOf(character));
      before = field.value;
      const isComposing = event instanceof InputEvent && event.isComposing;
      if (!isComposing && (before.length < FILLING.length / 2 || before.length > 2 * FILLING.length)) fill();
    },
    // A touch of the screen would take the focus, and with it the keyboard.
    onfocus: () => takeFocusOnClick(false),
    onblur: () => takeFocusOnClick(true),
  });
  const takeFocusOnClick = (isTaken: boolean): void => {
    const screen = rfb();
    if (screen) screen.focusOnClick = isTaken;
  };
  const fill = (): void => {
    before = FILLING;
    field.value = FILLING;
    field.setSelectionRange(FILLING.length, FILLING.length);
  };
  const button = (title: string, onclick: () => void): HTMLElement =>
    // Without the default, a press leaves the focus in the field, and the keyboard on the screen.
    h(
      'button',
      { class: 'small touch-only', onclick, onmousedown: (event) => event.preventDefault() },
      title,
    );
  const show = (): void => {
    fill();
    field.focus();
  };
  return [
    field,
    button('Keyboard', show),
    ...Object.entries(KEYS).map(([title, keysym]) => button(title, () => press(keysym))),
  ];
};
