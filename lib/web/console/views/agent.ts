import type { ServiceStatus } from '../../../model/service-status.js';
import { formatAge, formatBytes } from '../../../portable/format.js';
import { errorText, get, sendRequest } from '../api.js';
import { h } from '../dom.js';
import { facts, stateBadge } from '../parts.js';
import { plainTable } from '../plain-table.js';
import type { View } from '../router.js';
import { store } from '../store.js';
import { networkTable } from './agent-networks.js';

/** Long, because /metrics is large with many guests, and events report sub-agents at once anyway. */
const INTERVAL_MS = 15_000;

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Parses samples in Prometheus' text format. */
const samplesOf = (text: string): Sample[] =>
  [...text.matchAll(/^(\w+)(?:\{([^}]*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', label = '']) => [key, label]),
    ),
    value: Number(value),
  }));

const metricOf = (samples: readonly Sample[], name: string, service?: string): number =>
  samples.find((sample) => sample.name === name && sample.labels.service === service)?.value ?? 0;

/** Lets a camel-case name break between its words on a narrow page. */
const breakable = (name: string): (Node | string)[] =>
  name.split(/(?=[A-Z])/).flatMap((word) => [word, h('wbr')]);

const serviceRow = (samples: readonly Sample[], service: string, problems: string): HTMLElement => {
  const isUp = metricOf(samples, 'mistify_service_up', service) === 1;
  const badge = stateBadge();
  badge.update(isUp ? 'running' : 'error');
  badge.element.textContent = isUp ? 'up' : 'down';
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, ...breakable(service)),
    h('td', {}, badge.element),
    h('td', { class: 'c-number' }, String(metricOf(samples, 'mistify_service_calls_running', service))),
    h('td', { class: 'c-number' }, String(metricOf(samples, 'mistify_service_calls_waiting', service))),
    h('td', { class: 'medium-only faint' }, isUp ? problems : (store.down.get(service) ?? '')),
  );
};

/** Shows how much of the storage is free; `undefined` when the metrics do not say. */
const storageFact = (samples: readonly Sample[]): HTMLElement | undefined => {
  const size = metricOf(samples, 'mistify_storage_size_bytes');
  if (size === 0) return undefined;
  const free = metricOf(samples, 'mistify_storage_free_bytes');
  const meter = h('meter', { max: size, value: size - free, 'aria-label': 'Storage used' });
  return h('span', {}, `${formatBytes(free)} of ${formatBytes(size)} free `, meter);
};

const agentFacts = (samples: readonly Sample[], version: string): HTMLElement => {
  const started = new Date(metricOf(samples, 'process_start_time_seconds') * 1000).toISOString();
  return facts([
    ['Address', location.host],
    ['Version', version],
    ['Started', formatAge(started)],
    ['Memory', formatBytes(metricOf(samples, 'process_resident_memory_bytes'))],
    ['Storage', storageFact(samples)],
    ['Jobs running', String(metricOf(samples, 'mistify_jobs_running'))],
    ['Jobs queued', String(metricOf(samples, 'mistify_jobs_queued'))],
    ['Event clients', String(metricOf(samples, 'mistify_event_readers'))],
  ]);
};

export const agentView = (): View => {
  const content = h('div', {}, 'Loading …');
  const networks = networkTable();
  let version = '';
  const load = async (): Promise<void> => {
    try {
      const samples = samplesOf(await (await sendRequest('GET', '/metrics')).text());
      version ||= (await get<{ info: { version: string } }>('/openapi.json')).info.version;
      const problems = new Map(
        (await get<ServiceStatus[]>('/services')).map(({ name, problems = [] }) => [
          name,
          problems.join('; '),
        ]),
      );
      const services = samples
        .filter(({ name }) => name === 'mistify_service_up')
        .map(({ labels }) => labels.service ?? '');
      content.replaceChildren(
        agentFacts(samples, version),
        h('h2', {}, 'Sub-agents'),
        plainTable(
          [['Service'], ['Status'], ['Calls', 'c-number'], ['Queued', 'c-number'], ['Reason', 'medium-only']],
          h(
            'tbody',
            {},
            ...services.sort().map((service) => serviceRow(samples, service, problems.get(service) ?? '')),
          ),
        ),
        networks.element,
        h('p', { class: 'links' }, h('a', { href: '/docs' }, 'API documentation')),
      );
    } catch (error) {
      content.replaceChildren(h('p', { class: 'problem' }, errorText(error)));
    }
  };
  const timer = setInterval(() => {
    if (document.visibilityState === 'visible') void load();
  }, INTERVAL_MS);
  return {
    title: 'Agent',
    element: h('section', { class: 'page' }, h('div', { class: 'toolbar' }, h('h1', {}, 'Agent')), content),
    update: (kinds) => {
      if (!kinds.has('services')) return;
      void load();
      void networks.load();
    },
    close: () => clearInterval(timer),
  };
};
