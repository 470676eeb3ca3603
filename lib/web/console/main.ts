import { ApiError, errorText, whenReadOnly, whenUnauthorized } from './api.js';
import { byId, isTyping } from './dom.js';
import { Events } from './events.js';
import { showKeys } from './keys.js';
import { Pauses } from './pauses.js';
import { go, place, type View } from './router.js';
import { forgetToken, isReadOnly, token } from './session.js';
import { signIn } from './sign-in.js';
import { type Kind, store } from './store.js';
import { agentView } from './views/agent.js';
import { guestView, isTab } from './views/guest.js';
import { guestsView } from './views/guests.js';
import { imagesView } from './views/images.js';
import { jobsView } from './views/jobs.js';
import { missingView } from './views/missing.js';

const ALL: ReadonlySet<Kind> = new Set(['guests', 'jobs', 'images', 'services', 'metrics']);
const SECTIONS = ['guests', 'images', 'jobs', 'agent'] as const;
type Section = (typeof SECTIONS)[number];

const main = byId('main');
const banner = byId('banner');
let view: View | undefined;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const guestPage = (id: string, tab = 'overview'): View => {
  if (!UUID.test(id)) return missingView(`“${id}” is not the id of a guest, which is a UUID.`);
  return isTab(tab) ? guestView(id, tab) : missingView(`A guest has no page “${tab}”.`);
};

const VIEWS: Record<Section, () => View> = {
  guests: guestsView,
  images: imagesView,
  jobs: jobsView,
  agent: agentView,
};

const viewOf = ([name = 'guests', id, tab]: string[]): View => {
  if (name === 'guests' && id !== undefined) return guestPage(id.toLowerCase(), tab);
  const section = id === undefined ? SECTIONS.find((each) => each === name) : undefined;
  return section ? VIEWS[section]() : missingView('This address leads nowhere.');
};

const show = (): void => {
  view?.close?.();
  const parts = place();
  view = viewOf(parts);
  document.title = `${view.title} · Mistify`;
  main.replaceChildren(view.element);
  view.update?.(ALL);
  (view.focus ?? (() => main.focus({ preventScroll: true })))();
  for (const link of document.querySelectorAll('.bar nav a')) {
    if (link.getAttribute('href') === `#/${parts[0] ?? 'guests'}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
};

const badge = (id: string, count: number): void => {
  const element = byId(id);
  element.textContent = String(count);
  element.hidden = count === 0;
};

store.onChange((kinds) => {
  view?.update?.(kinds);
  if (kinds.has('jobs')) badge('active-jobs', store.active.size);
  if (kinds.has('services')) badge('agent-alert', store.down.size);
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

/** What is wrong with the stream of events, and with the lists; the first of them that is, is shown. */
const troubles = { events: '', lists: '' };

const warn = (of: keyof typeof troubles, text: string): void => {
  troubles[of] = text;
  banner.textContent = troubles.events || troubles.lists;
  banner.hidden = banner.textContent === '';
};

const pauses = new Pauses();
let reload: ReturnType<typeof setTimeout> | undefined;

/** Reads the lists, again and again until that has succeeded: events do not tell what was there before them. */
const load = async (): Promise<void> => {
  try {
    await store.load();
    clearTimeout(reload);
    pauses.reset();
    warn('lists', '');
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) await signIn(error.message);
    else warn('lists', `What you see may be incomplete, trying again: ${errorText(error)}`);
    clearTimeout(reload);
    reload = setTimeout(() => void load(), pauses.next());
  }
};

const brokenText = (error?: ApiError): string =>
  error === undefined || error.status === 0
    ? 'The agent cannot be reached. What you see may be out of date; trying again …'
    : `No events: ${error.message} Trying again …`;

const showReadOnly = (): void => {
  byId('read-only').hidden = !isReadOnly();
};

/** Follows the host; whenever the agent asks who it is, so does the page. */
const follow = async (): Promise<void> => {
  for (;;) {
    byId('sign-out').hidden = token() === undefined;
    showReadOnly();
    const events = new Events({
      onEvent: (happening) => store.apply(happening),
      onStale: () => void load(),
      onConnected: () => warn('events', ''),
      onBroken: (error) => warn('events', brokenText(error)),
    });
    try {
      await events.follow();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) {
        warn('events', errorText(error));
        return;
      }
      await signIn(error.message);
    }
  }
};

whenUnauthorized((message) => void signIn(message));
whenReadOnly(showReadOnly);
byId('sign-out').addEventListener('click', () => {
  forgetToken();
  location.reload();
});
byId('help').addEventListener('click', showKeys);
byId('host').textContent = location.host;
window.addEventListener('hashchange', show);
show();
void follow();
