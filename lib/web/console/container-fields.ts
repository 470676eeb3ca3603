import type { ContainerOptions } from '../../client/container-spec.js';
import { PORT_HINT, publishedPortOf } from '../../portable/published-port.js';
import { field } from './dialogs.js';
import { h } from './dom.js';
import { textInput } from './inputs.js';

/** The fields of what only a container has; hidden, they choose nothing. */
export interface ContainerFields {
  element: HTMLElement;
  /** By the keys that the agent's messages quote. */
  inputs: ReadonlyMap<string, HTMLElement>;
  /** @throws {Error} that quotes the key, as the agent's messages do */
  options: () => ContainerOptions;
}

/** Reads one NAME=VALUE a line. */
const variablesIn = (text: string, key: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        if (at < 1) throw new Error(`"${key}" needs one NAME=VALUE a line`);
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );

const portsIn = (text: string): NonNullable<ContainerOptions['publish']> =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((each) => {
      const port = publishedPortOf(each);
      if (!port) throw new Error(`"ports" has ${each}: ${PORT_HINT}`);
      return port;
    });

export const containerFields = (): ContainerFields => {
  const command = textInput({ placeholder: 'nginx -g "daemon off;"', class: 'mono' });
  const user = textInput({ placeholder: '1000:1000' });
  const ports = textInput({ placeholder: '8080:80, 192.0.2.1:53:53/udp' });
  const env = h('textarea', { rows: '2', spellcheck: 'false', class: 'mono', placeholder: 'NAME=VALUE' });
  const secretEnv = h('textarea', {
    rows: '2',
    spellcheck: 'false',
    class: 'mono',
    placeholder: 'NAME=VALUE',
  });
  const element = h(
    'div',
    { hidden: true },
    field('Command', command, 'In place of that of the image; no shell reads it'),
    h(
      'div',
      { class: 'two' },
      field('Ports', ports, 'Of the host and of the container; they need a NIC on a network of the engine'),
      field('User', user, 'By default that of the image'),
    ),
    field('Environment', env, 'One variable a line'),
    field('Secret environment', secretEnv, 'As above; no client can read these'),
  );
  const chosen = (): ContainerOptions => {
    const publish = portsIn(ports.value);
    const [open, secret] = [variablesIn(env.value, 'env'), variablesIn(secretEnv.value, 'secretEnv')];
    return {
      ...(command.value.trim() ? { command: command.value.trim() } : {}),
      ...(user.value.trim() ? { user: user.value.trim() } : {}),
      ...(publish.length > 0 ? { publish } : {}),
      ...(Object.keys(open).length > 0 ? { env: open } : {}),
      ...(Object.keys(secret).length > 0 ? { secretEnv: secret } : {}),
    };
  };
  return {
    element,
    inputs: new Map<string, HTMLElement>(Object.entries({ command, user, ports, env, secretEnv })),
    options: () => (element.hidden ? {} : chosen()),
  };
};
