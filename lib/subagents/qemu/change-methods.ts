import { normalizeGuest } from '../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../rpc/protocol/guest-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import { addDisk, checkAddDisk } from './guests/add-disk.js';
import { changeCdrom, checkCdrom, drivesResponse } from './guests/cdrom.js';
import { changeBootOrder, parseBootOrder } from './guests/change-boot-order.js';
import type { Guests } from './guests/guests.js';
import { NIC_METHODS } from './guests/nics/methods.js';
import { checkRemoveDisk, removeDisk } from './guests/remove-disk.js';
import { checkUpdate, update } from './guests/update.js';
import { checkUpgrade, upgradeMachine } from './guests/upgrade.js';
import { disksResponse, stateResponse } from './responses.js';
import { requireNotSaved } from './saved-memory/discard.js';

type Handler = (guests: Guests, request: GuestRequest, call: CallContext) => Promise<GuestResponse>;

/** The methods that change a guest, and those that check such a change. */
const CHANGES: Record<`Libvirt.${string}`, Handler> = {
  'Libvirt.CheckUpgrade': async (guests, { guest, args }) => ({
    guest: await checkUpgrade(guests, guest.id, args),
  }),
  'Libvirt.UpgradeMachine': async (guests, { guest, args }) => {
    const { entry, message } = await upgradeMachine(guests, guest.id, args);
    return { ...(await stateResponse(guests, entry)), message };
  },
  'Libvirt.CheckUpdate': async (guests, { guest, change: { bootOrder, ...others } = {} }) => {
    const order = await parseBootOrder(guests, guest.id, bootOrder);
    return {
      guest: { ...(await checkUpdate(guests, guest.id, others)), ...(order ? { bootOrder: order } : {}) },
    };
  },
  'Libvirt.Update': async (guests, { guest, change: { bootOrder, ...others } = {} }) => {
    const order = await parseBootOrder(guests, guest.id, bootOrder);
    const { entry, message } = await update(guests, guest.id, others);
    const response = await stateResponse(guests, entry);
    if (!order) return { ...response, message };
    const words = await changeBootOrder(guests, guest.id, order);
    return {
      ...response,
      guest: { ...response.guest, bootOrder: order },
      message: Object.keys(others).length > 0 ? `${message}; ${words}` : words,
    };
  },
  'Libvirt.CheckCdrom': async (guests, request) => ({ guest: await checkCdrom(guests, request) }),
  'Libvirt.ChangeCdrom': async (guests, request) => {
    const { entry, message } = await changeCdrom(guests, request);
    const response = await stateResponse(guests, entry);
    return { ...response, guest: { ...response.guest, ...drivesResponse(entry) }, message };
  },
  'Libvirt.CheckAddDisk': async (guests, { guest }) => checkAddDisk(guests, normalizeGuest(guest)),
  'Libvirt.AddDisk': async (guests, { guest }, { job }) => {
    const { entry, message } = await addDisk(guests, normalizeGuest(guest), job?.job);
    return { ...(await disksResponse(guests, entry, guest)), message };
  },
  'Libvirt.CheckRemoveDisk': async (guests, request) => {
    await checkRemoveDisk(guests, request);
    return { guest: request.guest };
  },
  'Libvirt.RemoveDisk': async (guests, request, { signal }) =>
    disksResponse(guests, await removeDisk(guests, request, signal), request.guest),
  ...NIC_METHODS,
};

/** Refuses to change a guest whose memory is saved. */
const unlessSaved =
  (handler: Handler): Handler =>
  async (guests, request, call) => {
    const entry = guests.find(request.guest.id);
    if (entry) requireNotSaved(entry);
    return handler(guests, request, call);
  };

/** The methods that change what a guest has, and those that check such a change. */
export const CHANGE_METHODS: typeof CHANGES = Object.fromEntries(
  Object.entries(CHANGES).map(([name, handler]) => [name, unlessSaved(handler)]),
);
