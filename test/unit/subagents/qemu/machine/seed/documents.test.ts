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

/** As the readers of YAML 1.1 do that cloud-init comes with. */
const read = (text: string | undefined): unknown => parse(text ?? '', { version: '1.1' });

test('without address, name or user-data there is no seed', (t) => {
  t.is(seed([nic()], { nameservers: '192.0.2.53' }), undefined);
  t.is(seed([]), undefined);
});

test('a nic with an address is enough for a seed, with all files that NoCloud demands', (t) => {
  const documents = seed([lan]);
  t.deepEqual(Object.keys(documents ?? {}), ['meta-data', 'user-data', 'network-config']);
  t.deepEqual(read(documents?.['meta-data']), {
    'instance-id': ID,
    'local-hostname': `guest-${ID.slice(0, 8)}`,
  });
  t.regex(documents?.['user-data'] ?? '', /^#cloud-config\n/);
});

test('interfaces are found by their MAC, which no reader takes for a number', (t) => {
  t.deepEqual(read(seed([lan, nic({ mac: '52:54:00:00:00:02' })])?.['network-config']), {
    version: 2,
    ethernets: {
      eth0: {
        match: { macaddress: MAC },
        'set-name': 'eth0',
        addresses: ['192.0.2.10/24'],
        gateway4: '192.0.2.1',
      },
      eth1: { match: { macaddress: '52:54:00:00:00:02' }, 'set-name': 'eth1', dhcp4: true },
    },
  });
});

test('name servers go to every interface with an address', (t) => {
  const v6 = nic({ address: '2001:db8::10/64', gateway: 'fe80::1' });
  const config = read(seed([lan, v6], { nameservers: '192.0.2.53, 2001:db8::53' })?.['network-config']);
  const nameservers = { addresses: ['192.0.2.53', '2001:db8::53'] };
  t.like(config, {
    ethernets: { eth0: { nameservers }, eth1: { nameservers, gateway6: 'fe80::1' } },
  });
});

test('user-data and vendor-data are handed on as they are', (t) => {
  const userData = '#!/bin/sh\necho "ä: {}"\n';
  const documents = seed([], { 'user-data': userData, 'vendor-data': '#cloud-config\n{}\n' });
  t.is(documents?.['user-data'], userData);
  t.is(documents?.['vendor-data'], '#cloud-config\n{}\n');
  t.is(documents?.['network-config'], undefined);
});

test('a hostname is the name of the guest', (t) => {
  t.like(read(seed([], { hostname: 'web-1.example.org' })?.['meta-data']), {
    'local-hostname': 'web-1.example.org',
  });
});

test('of the metadata only what belongs in a seed is kept', (t) => {
  t.deepEqual(seedMetadata({ owner: 'ops', hostname: 'web-1', 'user-data': '' }), { hostname: 'web-1' });
  t.deepEqual(seedMetadata(undefined), {});
});

test('a hostname or name server that is none is refused', (t) => {
  for (const hostname of ['a b', '-a', 'a_b', 'a..b', 'x'.repeat(64)]) {
    t.throws(() => seedMetadata({ hostname }), { message: /^metadata hostname ".*" is no host name/ });
  }
  t.throws(() => seedMetadata({ nameservers: '192.0.2.53 dns' }), {
    message: 'metadata nameservers: dns is no IP address',
  });
});
