import test from 'ava';
import { parse } from 'yaml';
import type { Metadata, Nic } from '../../../../../../lib/model/guest.js';
import {
  type SeedDocuments,
  seedDocuments,
} from '../../../../../../lib/subagents/qemu/machine/seed/documents.js';
import { seedMetadata } from '../../../../../../lib/subagents/qemu/machine/seed/metadata.js';

const ID = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const MAC = '52:54:00:12:34:56';
const nic = (more: Partial<Nic> = {}): Nic => ({
  network: 'br0',
  model: 'virtio',
  mac: MAC,
  address: '',
  netmask: '',
  gateway: '',
  vlans: [],
  ...more,
});
const lan = nic({ address: '192.0.2.10', netmask: '255.255.255.0', gateway: '192.0.2.1' });

const seed = (nics: Nic[], metadata: Metadata = {}): SeedDocuments | undefined =>
  seedDocuments({ id: ID, memory: 64, cpu: 1, disks: [], nics, metadata });

/** Parses as YAML 1.1, as cloud-init's parser does. */
const read = (text: string | undefined): unknown => parse(text ?? '', { version: '1.1' });

test('gives the name servers to NICs with DHCP, too', (t) => {
  t.like(read(seed([nic()], { nameservers: '192.0.2.53' })?.['network-config']), {
    ethernets: { eth0: { dhcp4: true, nameservers: { addresses: ['192.0.2.53'] } } },
  });
});

test('gives a changed seed a new instance-id, even when nothing is left in it', (t) => {
  const definition = { id: ID, memory: 64, cpu: 1, disks: [], nics: [] };
  t.deepEqual(read(seedDocuments(definition, 2)?.['meta-data']), {
    'instance-id': `${ID}-2`,
    'local-hostname': `guest-${ID.slice(0, 8)}`,
  });
});

test('builds no seed without an address, a hostname or user-data', (t) => {
  t.is(seed([nic()]), undefined);
  t.is(seed([], { nameservers: '192.0.2.53' }), undefined);
});

test('builds all files that NoCloud requires for a NIC with an address', (t) => {
  const documents = seed([lan]);
  t.deepEqual(Object.keys(documents ?? {}), ['meta-data', 'user-data', 'network-config']);
  t.deepEqual(read(documents?.['meta-data']), {
    'instance-id': ID,
    'local-hostname': `guest-${ID.slice(0, 8)}`,
  });
  t.regex(documents?.['user-data'] ?? '', /^#cloud-config\n/);
});

test('matches interfaces by MAC addresses that YAML 1.1 does not read as numbers', (t) => {
  t.deepEqual(read(seed([lan, nic({ mac: '52:54:00:00:00:02' })])?.['network-config']), {
    version: 2,
    ethernets: {
      eth0: {
        match: { macaddress: MAC },
        'set-name': 'eth0',
        addresses: ['192.0.2.10/24'],
        routes: [{ to: '0.0.0.0/0', via: '192.0.2.1' }],
      },
      eth1: { match: { macaddress: '52:54:00:00:00:02' }, 'set-name': 'eth1', dhcp4: true },
    },
  });
});

test('routes all of IPv6 through its gateway, in two halves, but keeps a link-local gateway in its own key', (t) => {
  const configOf = (gateway: string): unknown =>
    read(seed([nic({ address: '2001:db8::10/64', gateway })])?.['network-config']);
  t.like(configOf('2001:db8::1'), {
    ethernets: {
      eth0: {
        routes: [
          { to: '::/1', via: '2001:db8::1' },
          { to: '8000::/1', via: '2001:db8::1' },
        ],
      },
    },
  });
  t.like(configOf('fe80::1'), { ethernets: { eth0: { gateway6: 'fe80::1', routes: undefined } } });
});

test('gives the name servers to every interface with an address', (t) => {
  const v6 = nic({ address: '2001:db8::10/64', gateway: 'fe80::1' });
  const config = read(seed([lan, v6], { nameservers: '192.0.2.53, 2001:db8::53' })?.['network-config']);
  const nameservers = { addresses: ['192.0.2.53', '2001:db8::53'] };
  t.like(config, {
    ethernets: { eth0: { nameservers }, eth1: { nameservers, gateway6: 'fe80::1' } },
  });
});

test('passes user-data and vendor-data on unchanged', (t) => {
  const userData = '#!/bin/sh\necho "ä: {}"\n';
  const documents = seed([], { 'user-data': userData, 'vendor-data': '#cloud-config\n{}\n' });
  t.is(documents?.['user-data'], userData);
  t.is(documents?.['vendor-data'], '#cloud-config\n{}\n');
  t.is(documents?.['network-config'], undefined);
});

test('uses the hostname as the guest’s name', (t) => {
  t.like(read(seed([], { hostname: 'web-1.example.org' })?.['meta-data']), {
    'local-hostname': 'web-1.example.org',
  });
});

test('keeps only the metadata that belongs in a seed', (t) => {
  t.deepEqual(seedMetadata({ owner: 'ops', hostname: 'web-1', 'user-data': '' }), { hostname: 'web-1' });
  t.deepEqual(seedMetadata(undefined), {});
});

test('rejects an invalid hostname or name server', (t) => {
  for (const hostname of ['a b', '-a', 'a_b', 'a..b', 'x'.repeat(64)]) {
    t.throws(() => seedMetadata({ hostname }), {
      message: /^metadata hostname ".*" is not a valid host name/,
    });
  }
  t.throws(() => seedMetadata({ nameservers: '192.0.2.53 dns' }), {
    message: 'metadata nameservers: "dns" is not an IP address',
  });
});
