import { h } from './dom.js';

/** One of the choices of `cards`. */
export interface Card {
  value: string;
  title: string;
  /** A line below the title. */
  note?: string | undefined;
  icon?: Element;
}

/** A choice of one among cards. */
export interface Cards {
  element: HTMLFieldSetElement;
  /** The value of the chosen card; empty when none is. */
  value: () => string;
  choose: (value: string) => void;
  /** Replaces the cards; the choice stays if it is still there. */
  offer: (cards: readonly Card[]) => void;
}

const cardOf = (name: string, { value, title, note, icon }: Card, isChosen: boolean): HTMLElement => {
  const input = h('input', { type: 'radio', name, value, required: true });
  input.checked = isChosen;
  return h(
    'label',
    { class: 'card' },
    input,
    icon,
    h('span', { class: 'lines' }, h('span', {}, title), note ? h('small', {}, note) : undefined),
  );
};

/** @param name unique in the form */
export const cards = (legend: string, name: string, onChange: () => void): Cards => {
  const list = h('div', { class: 'cards' });
  const element = h('fieldset', { class: 'group', onchange: onChange }, h('legend', {}, legend), list);
  const inputs = (): HTMLInputElement[] => [...list.querySelectorAll('input')];
  const value = (): string => inputs().find((input) => input.checked)?.value ?? '';
  return {
    element,
    value,
    choose: (wanted) => {
      for (const input of inputs()) input.checked = input.value === wanted;
    },
    offer: (offered) => {
      const chosen = value();
      list.replaceChildren(...offered.map((card) => cardOf(name, card, card.value === chosen)));
    },
  };
};
