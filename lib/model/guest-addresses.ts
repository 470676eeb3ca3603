import Joi from 'joi';

/** How an address of a guest is known, the best source first. */
export const ADDRESS_SOURCES = ['guest agent', 'engine', 'dhcp lease', 'neighbour', 'static'] as const;

/** An IP address of a guest. One address may be known from several sources. */
export interface GuestAddress {
  address: string;
  /** The name of the guest's NIC; absent for an interface that is none of its NICs. */
  nic?: string;
  mac?: string;
  source: (typeof ADDRESS_SOURCES)[number];
}

export const guestAddressesSchema = Joi.array().items(
  Joi.object<GuestAddress>({
    address: Joi.string().max(64).required().example('192.0.2.10'),
    nic: Joi.string().max(255).description('The name of the NIC').example('net0'),
    mac: Joi.string().max(64).example('52:54:00:12:34:56'),
    source: Joi.string()
      .valid(...ADDRESS_SOURCES)
      .required()
      .description(
        '`guest agent` and `engine`: the guest or the container engine has it; `dhcp lease`: dnsmasq has leased it; `neighbour`: the host has seen it; `static`: the NIC is to have it',
      ),
  }).label('address'),
);

const LINK_LOCAL = /^fe[89ab]/i;

const rank = ({ address, source }: GuestAddress): number =>
  ADDRESS_SOURCES.indexOf(source) + (LINK_LOCAL.test(address) ? ADDRESS_SOURCES.length : 0);

/** Sorts addresses: the best source first, and those that only the link knows last. */
export const sortAddresses = (addresses: readonly GuestAddress[]): GuestAddress[] =>
  addresses.toSorted((one, other) => rank(one) - rank(other));
