import { MistifyError } from '../../client/errors.js';
import { Backoff } from '../../portable/backoff.js';
import { isUuid } from '../../portable/uuid.js';
import { errorText, onAccess, onUnauthorized, readAccess } from './api.js';
import { byId, isTyping } from './dom.js';
import { Events } from './events.js';
import { showKeys } from './keys.js';
import { currentPath, go, rememberList, type View } from './router.js';
import { forgetToken, isReadOnly, mayDownload, token } from './session.js';
import { signIn } from './sign-in.js';
import { type Kind, store } from './store.js';
import { activityView } from './views/activity.js';
import { backupsView } from './views/backups.js';
import { dashboardView } from './views/dashboard.js';
import { guestView, isTab } from './views/guest.js';
import { guestsView } from './views/guests.js';
import { hostView } from './views/host.js';
import { imagesView } from './views/images.js';
import { jobsView } from './views/jobs.js';
import { missingView } from './views/missing.js';
import { scheduleView } from './views/schedule.js';
import { schedulesView } from './views/schedules.js';
import { volumesView } from './views/volumes.js';
import { downText } from './words.js';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;
const ALL: ReadonlySet<Kind> = new Set([
  ...(['guests', 'jobs', 'images', 'volumes', 'backups', 'schedules', 'services'] as const),
  ...(['metrics', 'addresses'] as const),
]);
/** By the number keys from 1 on. */
const SECTIONS = [
  'guests',
  'images',
  'jobs',
  'schedules',
  'backups',
  'volumes',
  'host',
  'activity',
  'dashboard',
] as const;
type Section = (typeof SECTIONS)[number];

const main = byId('main');
const banner = byId('banner');
let view: View | undefined;

const guestPage = (id: string, tab = 'overview'): View => {
  if (!isUuid(id)) return missingView(`“${id}” is not a guest ID, which is a UUID.`);
  return isTab(tab) ? guestView(id, tab) : missingView(`A guest has no tab “${tab}”.`);
};

const schedulePage = (id: string, part: string | undefined): View =>
  isUuid(id) && part === undefined ? scheduleView(id) : missingView('Nothing exists at this address.');

const VIEWS: Record<Section, () => View> = {
  guests: guestsView,
  images: imagesView,
  jobs: jobsView,
  schedules: schedulesView,
  backups: backupsView,
  volumes: volumesView,
  host: hostView,
  activity: activityView,
  dashboard: dashboardView,
};

const viewOf = ([name = 'guests', id, tab]: string[]): View => {
  if (name === 'guests' && id !== undefined) return guestPage(id.toLowerCase(), tab);
  if (name === 'schedules' && id !== undefined) return schedulePage(id.toLowerCase(), tab);
  const section = id === undefined ? SECTIONS.find((each) => each === name) : undefined;
  return section ? VIEWS[section]() : missingView('Nothing exists at this address.');
};

/** Scrolls the links of a narrow screen sideways. `scrollIntoView` may move the page, too. */
const bringIntoView = (link: Element): void => {
  const nav = link.parentElement;
  if (!nav) return;
  const [inner, outer] = [link.getBoundingClientRect(), nav.getBoundingClientRect()];
  nav.scrollLeft += Math.max(0, inner.right - outer.right) + Math.min(0, inner.left - outer.left);
};

const show = (): void => {
  view?.close?.();
  rememberList();
  const parts = currentPath();
  view = viewOf(parts);
  document.title = `${view.title} · Mistify`;
  main.replaceChildren(view.element);
  view.update?.(ALL);
  (view.focus ?? (() => main.focus({ preventScroll: true })))();
  for (const link of document.querySelectorAll('.bar nav a')) {
    if (link.getAttribute('href') === `#/${parts[0] ?? 'guests'}`) {
      link.setAttribute('aria-current', 'page');
      bringIntoView(link);
    } else link.removeAttribute('aria-current');
  }
};

const setBadge = (id: string, count: number): void => {
  const element = byId(id);
  element.textContent = String(count);
  element.hidden = count === 0;
};

store.onChange((kinds) => {
  view?.update?.(kinds);
  if (kinds.has('jobs')) setBadge('active-jobs', store.active.size);
  if (kinds.has('services')) {
    const partsDown = new Set([...store.down.keys()].map((service) => store.partOf(service)));
    setBadge('host-alert', partsDown.size);
    setProblem(
      'services',
      downText(store.down, (service) => store.partOf(service)),
    );
  }
});

document.addEventListener('keydown', (event) => {
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]')) return;
  const { key } = event;
  const section = SECTIONS[Number(key) - 1];
  const isControl = event.target instanceof Element && event.target.closest('a, button') !== null;
  if (key === 'Enter' && isControl) return;
  if (key === '?') showKeys();
  else if (section) go(section);
  else if (!view?.key?.(event)) return;
  event.preventDefault();
});

/** Problems with the event stream, the lists and the sub-agents. The banner shows the first that is not empty. */
const problems = { events: '', lists: '', services: '' };

const setProblem = (source: keyof typeof problems, text: string): void => {
  problems[source] = text;
  banner.textContent = problems.events || problems.lists || problems.services;
  banner.hidden = banner.textContent === '';
};

const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
let reload: ReturnType<typeof setTimeout> | undefined;

/** Reads the lists until that succeeds: events alone do not show what existed before them. */
const load = async (): Promise<void> => {
  try {
    await Promise.all([store.load(), readAccess()]);
    clearTimeout(reload);
    backoff.reset();
    setProblem('lists', '');
  } catch (error) {
    if (error instanceof MistifyError && error.status === 401) await signIn();
    else setProblem('lists', `This page may be incomplete: ${errorText(error)} Retrying …`);
    clearTimeout(reload);
    reload = setTimeout(() => void load(), backoff.next());
  }
};

const brokenText = (error?: MistifyError): string =>
  error === undefined || error.status === 0
    ? 'The agent cannot be reached. This page may be out of date. Retrying …'
    : `No live updates: ${error.message} Retrying …`;

const showReadOnly = (): void => {
  byId('read-only').hidden = !isReadOnly();
  document.body.classList.toggle('read-only', isReadOnly());
  document.body.classList.toggle('no-downloads', !mayDownload());
};

/** Follows the agent's events. Asks the user to sign in whenever the agent responds with 401. */
const follow = async (): Promise<void> => {
  for (;;) {
    byId('sign-out').hidden = token() === undefined;
    showReadOnly();
    const events = new Events({
      onEvent: (event) => store.apply(event),
      onStale: () => void load(),
      onConnected: () => setProblem('events', ''),
      onBroken: (error) => setProblem('events', brokenText(error)),
    });
    try {
      await events.follow();
    } catch (error) {
      if (!(error instanceof MistifyError) || error.status !== 401) {
        setProblem('events', errorText(error));
        return;
      }
      await signIn();
    }
  }
};

onUnauthorized(() => void signIn());
onAccess(showReadOnly);
byId('sign-out').addEventListener('click', () => {
  forgetToken();
  location.reload();
});
byId('help').addEventListener('click', showKeys);
// The part after # is the address of a page here.
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
byId('host').textContent = location.host;
window.addEventListener('hashchange', show);
show();
void follow();
