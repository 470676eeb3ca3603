import test, { type ExecutionContext } from 'ava';
import { AddressBook } from '../../../lib/agent/address-book.js';
import type { Guest, Nic } from '../../../lib/model/guest.js';
import type { GuestAddress } from '../../../lib/model/guest-addresses.js';
import { addGuest, startTestAgent, type TestAgent, type TestAgentOptions } from '../../helpers/agent.js';
import { until } from '../../helpers/wait.js';

const NIC: Nic = {
  ...{ name: 'net0', network: 'br0', model: 'virtio' },
  ...{ address: '192.0.2.10/24', netmask: '', gateway: '', vlans: [] },
};
const STATIC: GuestAddress = { address: '192.0.2.10', nic: 'net0', source: 'static' };

const lease = (address: string): GuestAddress => ({ address, nic: 'net0', source: 'dhcp lease' });

interface Books extends TestAgent {
  book: AddressBook;
  /** Waits until that is all that the book knows of a guest. */
  learned: (guest: Guest, ...addresses: string[]) => Promise<void>;
}

const openBook = async (t: ExecutionContext, options: TestAgentOptions = {}): Promise<Books> => {
  const agent = await startTestAgent(t, options);
  const book = new AddressBook(agent.context.runtime);
  t.teardown(() => book.close());
  book.open();
  const known = ({ id }: Guest): string[] =>
    book.of(agent.context.guests.get(id)).map(({ address }) => address);
  const learned: Books['learned'] = async (guest, ...addresses) => {
    await until(`it is known at ${addresses}`, () => String(known(guest)) === String(addresses));
  };
  return { ...agent, book, learned };
};

/** Answers with these addresses, by guest; a guest without any hangs. */
const answering =
  (addresses: Map<string, GuestAddress[]>) =>
  ({ guest: { id } }: { guest: Guest }): unknown => {
    const result = addresses.get(id);
    return result ? { guest: { id }, result } : new Promise(() => {});
  };

test('learns the addresses of guests that run, and tells only static ones of those that are off', async (t) => {
  const { book, context, scripted, learned } = await openBook(t);
  const off = await addGuest(context, { state: 'shutoff', nics: [NIC] });
  t.deepEqual(book.of(off), [STATIC]);
  const vm = await addGuest(context, { nics: [NIC] });
  t.deepEqual(book.of(vm), [STATIC], 'before it is asked');
  const container = await addGuest(context, { type: 'container' });
  await learned(vm, '192.0.2.7');
  await learned(container, '10.88.0.2');
  t.false(scripted.requests('Test.guestAddresses').some(({ guest }) => guest.id === off.id));
  await context.guests.update(vm.id, (guest) => ({ ...guest, state: 'paused' }));
  await learned(vm, '192.0.2.7');
  await context.guests.update(vm.id, (guest) => ({ ...guest, state: 'shutoff' }));
  await learned(vm, '192.0.2.10');
  await context.guests.update(vm.id, (guest) => ({ ...guest, state: 'paused' }));
  await learned(vm, '192.0.2.10');
});

test('asks again, at once after a start and about new NICs', async (t) => {
  const addresses = new Map<string, GuestAddress[]>();
  const { context, learned } = await openBook(t, {
    methods: { 'Test.guestAddresses': answering(addresses) },
  });
  const { id } = await addGuest(context, { state: 'shutoff' });
  addresses.set(id, [lease('192.0.2.1')]);
  const guest = await context.guests.update(id, (stored) => ({ ...stored, state: 'running' }));
  await learned(guest, '192.0.2.1');
  addresses.set(id, [lease('192.0.2.2')]);
  await learned(guest, '192.0.2.2');
  addresses.set(id, [lease('192.0.2.2'), lease('192.0.2.3')]);
  await context.guests.update(id, (stored) => ({ ...stored, nics: [{ ...NIC, address: '' }] }));
  await learned(guest, '192.0.2.2', '192.0.2.3');
  t.pass();
});

test('keeps what it knows while a guest cannot be asked, and no guest that hangs delays another', async (t) => {
  const addresses = new Map<string, GuestAddress[]>();
  const { context, scripted, learned } = await openBook(t, {
    service: { max_pending: 2 },
    methods: { 'Test.guestAddresses': answering(addresses) },
  });
  const [hanging, other] = [await addGuest(context), await addGuest(context)];
  const container = await addGuest(context, { type: 'container' });
  addresses.set(hanging.id, [lease('192.0.2.1')]);
  await learned(hanging, '192.0.2.1');
  addresses.delete(hanging.id);
  addresses.set(other.id, [lease('192.0.2.2')]);
  await learned(container, '10.88.0.2');
  await learned(other, '192.0.2.2');
  const times = () => scripted.requests('Test.guestAddresses').filter(({ guest }) => guest.id === hanging.id);
  await until('it is asked again', () => times().length > 2);
  await learned(hanging, '192.0.2.1');
  t.pass();
});

test('knows nothing without the action in the config', async (t) => {
  const { book, context, scripted, learned } = await openBook(t, {
    actions: { guestAddresses: undefined },
  });
  const vm = await addGuest(context, { nics: [NIC] });
  await learned(await addGuest(context, { type: 'container' }), '10.88.0.2');
  t.deepEqual(book.of(vm), []);
  t.is(book.listed(vm), vm);
  t.deepEqual(scripted.requests('Test.guestAddresses'), []);
});

test('keeps a bounded number of addresses, those of the NICs above all', async (t) => {
  const { book, context } = await openBook(t);
  const guest = await addGuest(context);
  const others = Array.from({ length: 100 }, (_, n): GuestAddress => {
    return { address: `198.51.100.${n}`, source: 'guest agent' };
  });
  book.learn(guest.id, [...others, lease('192.0.2.7')]);
  t.is(book.of(guest).length, 16);
  t.deepEqual(book.of(guest)[0], lease('192.0.2.7'));
});

test('returns the same listed guest until its addresses change', async (t) => {
  const { book, context } = await openBook(t);
  const guest = await addGuest(context);
  book.learn(guest.id, [lease('192.0.2.7')]);
  const listed = book.listed(guest);
  book.learn(guest.id, [lease('192.0.2.7')]);
  t.is(book.listed(guest), listed);
  book.learn(guest.id, [lease('192.0.2.8')]);
  t.deepEqual(book.listed(guest).addresses, [lease('192.0.2.8')]);
  t.false('addresses' in context.guests.get(guest.id));
});
