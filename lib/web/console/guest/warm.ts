import { path } from '../../../client/path.js';
import type { Guest } from '../../../model/guest.js';
import { isOff } from '../../../model/intent.js';
import type { WarmReady, WarmRequest } from '../../../model/warm.js';
import { formatMb } from '../../../portable/format.js';
import { submit } from '../api.js';
import { confirm, field, formDialog } from '../dialogs.js';
import { h, setAttribute, setText } from '../dom.js';
import { type Input, textInput } from '../inputs.js';
import { follow } from '../jobs.js';
import { store } from '../store.js';
import { timeText } from '../times.js';

const TEXTS = {
  what: 'It boots once, and its clones then resume with its memory instead of booting. What its memory and disks know is in every clone: warm it before it gets secrets.',
  shared:
    'Accept that its clones begin with the same random numbers, and so with the same secret keys, if its kernel makes no new ones',
  cool: 'Its clones boot from then on. Those that run are not concerned.',
};

const SIGNS = {
  agent: 'Its guest agent responds',
  serial: 'It prints a text on its serial console',
  seconds: 'Some time has passed',
};

/** What a template is, beside off; `undefined` for other guests. */
export const warmWords = (guest: Pick<Guest, 'state' | 'template' | 'warm'>): string | undefined => {
  if (!guest.template) return undefined;
  if (!isOff(guest)) return 'being warmed';
  return guest.warm ? 'warm' : undefined;
};

/** Says since when a template is warm, for what, and what that takes. */
export const warmFact = (guest: Guest): string | undefined => {
  const { warm } = guest;
  if (!warm) return guest.template && !isOff(guest) ? 'it is being warmed' : undefined;
  const { at, qemu, accel, machine, cpuModel, size } = warm;
  return `since ${timeText(at)}, for QEMU ${qemu} (${accel}), ${machine}, CPU ${cpuModel}; ${formatMb(size)}`;
};

const openWarm = ({ id }: Guest): void => {
  const title = store.nameOf(id);
  const sign = h(
    'select',
    { autofocus: true },
    ...Object.entries(SIGNS).map(([value, text]) => h('option', { value }, text)),
  );
  const inputs: Record<'serial' | 'seconds', Input> = {
    serial: textInput({ placeholder: 'login:' }),
    seconds: h('input', { type: 'number', min: '1', value: '60' }),
  };
  const fields = { serial: field('Text', inputs.serial), seconds: field('Seconds', inputs.seconds) };
  const shared = h('input', { type: 'checkbox' });
  const ready = (): WarmReady => {
    if (sign.value === 'serial') return { serial: inputs.serial.value };
    return sign.value === 'seconds' ? { seconds: Number(inputs.seconds.value) } : { agent: true };
  };
  void formDialog({
    title: `Warm ${title}`,
    action: 'Warm',
    content: [
      h('p', {}, TEXTS.what),
      field('It is ready when', sign),
      fields.serial,
      fields.seconds,
      h('label', { class: 'check' }, shared, TEXTS.shared),
    ],
    isComplete: () => {
      for (const [name, element] of Object.entries(fields)) element.hidden = sign.value !== name;
      return sign.value === 'agent' || inputs[sign.value as keyof typeof inputs].value !== '';
    },
    submit: async () => {
      const request: WarmRequest = { ready: ready(), randomness: shared.checked ? 'shared' : 'fresh' };
      const { jobId } = await submit('POST', path`/guests/${id}/warm`, request);
      follow(jobId, { title: `Warm ${title}`, done: `${title} is warm.` });
    },
  });
};

const openCool = ({ id }: Guest): void => {
  const title = store.nameOf(id);
  void confirm({ title: `Cool ${title}`, text: TEXTS.cool, action: 'Cool' }, async () => {
    const { jobId } = await submit('DELETE', path`/guests/${id}/warm`);
    follow(jobId, { title: `Cool ${title}`, done: `${title} is no longer warm.` });
  });
};

/** Creates the button that warms a template, or cools a warm one. */
export const warmButton = (current: () => Guest): { element: HTMLElement; update(guest: Guest): void } => {
  const element = h('button', { onclick: () => (current().warm ? openCool : openWarm)(current()) });
  return {
    element,
    update: (guest) => {
      element.hidden = !guest.template;
      element.disabled = !isOff(guest);
      setText(element, guest.warm ? 'Cool' : 'Warm');
      setAttribute(
        element,
        'title',
        guest.warm ? 'Let its clones boot again' : 'Boot it once, so that its clones need not',
      );
    },
  };
};
