import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Backend } from '../../../helpers/backends.js';
import { exportTo, importFrom, unpackTo } from '../../../helpers/exports.js';
import { createGuest, type TestStorage } from '../../../helpers/storage.js';
import { GUEST_ID } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

/** An OVF as VirtualBox 7 writes it, shortened. */
const ovfOf = (disks: string, items: string, more = ''): string => `<?xml version="1.0"?>
<Envelope ovf:version="1.0" xml:lang="en-US" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:vbox="http://www.virtualbox.org/ovf/machine"
  xmlns:vmw="http://www.vmware.com/schema/ovf"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
  <References>
    <File ovf:id="file1" ovf:href="box-disk001.vmdk"/>
    <File ovf:id="file2" ovf:href="box-disk002.vmdk"/>
  </References>
  <DiskSection>
    <Info>List of the virtual disks used in the package</Info>
    ${disks}
  </DiskSection>
  <NetworkSection><Info>Networks</Info><Network ovf:name="NAT"/></NetworkSection>
  <VirtualSystem ovf:id="box &amp; co">
    <Info>A virtual machine</Info>
    <AnnotationSection><Info>Notes</Info><Annotation>The old box</Annotation></AnnotationSection>
    <VirtualHardwareSection>
      <Info>Virtual hardware requirements</Info>
      <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>768</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>PIIX4</rasd:ResourceSubType><rasd:ResourceType>5</rasd:ResourceType></Item>
      <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:Connection>NAT</rasd:Connection><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>E1000</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType><rasd:Address>080027AABBCC</rasd:Address></Item>
      <Item><rasd:ElementName>sound</rasd:ElementName><rasd:InstanceID>6</rasd:InstanceID><rasd:ResourceType>35</rasd:ResourceType></Item>
      ${items}
      ${more}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>`;

const DISKS = `<Disk ovf:capacity="2097152" ovf:diskId="vmdisk1" ovf:fileRef="file1"/>
    <Disk ovf:capacity="5" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="vmdisk2" ovf:fileRef="file2"/>
    <Disk ovf:capacity="7" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="vmdisk3"/>`;

const attach = (instance: number, disk: string, parent: number): string =>
  `<Item><rasd:HostResource>/disk/${disk}</rasd:HostResource><rasd:InstanceID>${instance}</rasd:InstanceID><rasd:Parent>${parent}</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>`;

const ITEMS = [attach(7, 'vmdisk1', 3), attach(8, 'vmdisk2', 4), attach(9, 'vmdisk3', 4)].join('\n');
const EFI = '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>';

/** Makes the files of an OVA with two disks. */
const makeParts = async (t: ExecutionContext, ovf = ovfOf(DISKS, ITEMS, EFI)): Promise<string> => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'box.ovf'), ovf);
  for (const [n, byte] of [
    [1, '0x11'],
    [2, '0x22'],
  ] as const) {
    const raw = join(dir, 'raw');
    await execa('qemu-img', ['create', '-q', '-f', 'raw', raw, n === 1 ? '2M' : '5M']);
    await execa('qemu-io', ['-f', 'raw', '-c', `write -P ${byte} 1M 64k`, raw]);
    const target = join(dir, `box-disk00${n}.vmdk`);
    await execa('qemu-img', ['convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, target]);
  }
  await execa('rm', [join(dir, 'raw')]);
  return dir;
};

const pack = async (dir: string, names: readonly string[]): Promise<string> => {
  const file = join(dir, 'box.ova');
  await execa('tar', ['--format=ustar', '-cf', file, ...names], { cwd: dir });
  return file;
};

const NAMES = ['box.ovf', 'box-disk001.vmdk', 'box-disk002.vmdk'];

/** OVAs in and out, for every back end. */
export const ovaSuite = (backend: Backend): void => {
  const { test } = backend;

  const nothingLeft = async (t: ExecutionContext, storage: TestStorage, guests: string[]): Promise<void> => {
    const contents = await backend.contents(storage);
    // zfs-fuse may hold the clone of an earlier download for a while.
    const work = contents.work.filter((name) => !name.startsWith('download-'));
    t.deepEqual([contents.guests, work], [guests, []]);
  };

  test('imports an OVA with several disks, and says what has no equivalent', async (t) => {
    const storage = await backend.start(t);
    const dir = await makeParts(t);
    const sums = NAMES.map(async (name) => {
      const sum = createHash('sha1')
        .update(await readFile(join(dir, name)))
        .digest('hex');
      return `SHA1(${name})= ${sum}\n`;
    });
    await writeFile(join(dir, 'box.mf'), (await Promise.all(sums)).join(''));
    const { status, message, result } = await importFrom(storage, await pack(dir, [...NAMES, 'box.mf']));
    t.is(status, 200, message);
    t.is(result.format, 'ova');
    t.like(result.guest, {
      ...{ memory: 768, cpu: 2, description: 'The old box', machine: { firmware: 'uefi' } },
      metadata: { name: 'box & co' },
    });
    t.deepEqual(
      result.guest.disks?.map(({ bus, size }) => [bus, size]),
      [
        ['ide', 2],
        ['sata', 5],
        ['sata', 7],
      ],
    );
    t.deepEqual(
      result.guest.nics?.map(({ model, mac }) => [model, mac]),
      [['e1000', '08:00:27:aa:bb:cc']],
    );
    t.deepEqual(result.notes, [
      'without an equivalent here: sound',
      'disks of its SCSI controller are on bus sata',
    ]);
    const { guest, token } = result;
    const adopted = await storage.call('AdoptImport', { guest, change: { token, notes: [] } });
    const sources = adopted.guest.disks.map(({ source }) => source);
    await t.notThrowsAsync(backend.io(sources[0] ?? '', 'read -P 0x11 1M 64k'));
    await t.notThrowsAsync(backend.io(sources[1] ?? '', 'read -P 0x22 1M 64k'));
    await nothingLeft(t, storage, [guest.id]);
  });

  test('refuses an OVA that is damaged, incomplete, or has entities or several machines', async (t) => {
    const storage = await backend.start(t);
    const refuse = async (dir: string, names: readonly string[], expected: RegExp): Promise<void> => {
      const { status, message } = await importFrom(storage, await pack(dir, names));
      t.is(status, 400, message);
      t.regex(message, expected);
    };
    const dir = await makeParts(t);
    await refuse(dir, NAMES.slice(0, 2), /incomplete: its disk box-disk002.vmdk is not in it/);
    await writeFile(join(dir, 'box.mf'), `SHA256(box.ovf)= ${'0'.repeat(64)}\n`);
    await refuse(dir, [...NAMES, 'box.mf'], /damaged: box.ovf has the sha256/);
    const ovf = (text: string): Promise<void> => writeFile(join(dir, 'box.ovf'), text);
    const bomb = '<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>';
    await ovf(ovfOf(DISKS, ITEMS).replace('<Envelope', `${bomb}<Envelope`));
    await refuse(dir, NAMES, /defines entities/);
    await ovf('no <xml');
    await refuse(dir, NAMES, /is not XML/);
    const whole = ovfOf(DISKS, ITEMS);
    await ovf(whole.replace('</VirtualSystem>', '</VirtualSystem><VirtualSystem ovf:id="b"/>'));
    await refuse(dir, NAMES, /has 2 virtual machines/);
    await ovf(ovfOf(DISKS, ''));
    await refuse(dir, NAMES, /has no disk/);
    await ovf(whole.replace('box-disk001.vmdk"', '../../../etc/passwd"'));
    await refuse(dir, NAMES, /is not in it/);
    await ovf(whole.replace('ovf:id="file1"', 'ovf:id="file1" ovf:compression="gzip"'));
    await refuse(dir, NAMES, /compressed: unpack it/);
    await nothingLeft(t, storage, []);
  });

  test('exports an OVA with sums, whose disks are read back as they were', async (t) => {
    const storage = await backend.start(t);
    const disks = await createGuest(storage, [{ size: 3 }, { size: 40, bus: 'scsi' }]);
    await backend.io(disks[0]?.source ?? '', 'write -P 0x55 2M 64k');
    await backend.io(disks[1]?.source ?? '', 'write -P 0x66 39M 64k');
    const record = {
      ...{
        memory: 512,
        cpu: 2,
        metadata: { name: 'a <web> & more' },
        machine: { firmware: 'uefi' as const },
      },
      nics: [{ network: 'br0', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] }],
    };
    const file = await exportTo(t, storage, { ...record, disks }, 'ova');
    const { stdout } = await execa('tar', ['-tf', file]);
    const name = 'a-web-more';
    const files = [`${name}.ovf`, `${name}-disk0.vmdk`, `${name}-disk1.vmdk`, `${name}.mf`];
    t.deepEqual(stdout.split('\n'), files);
    const dir = await unpackTo(t, file);
    for (const [index, { source }] of disks.entries()) {
      const format = source.endsWith('.qcow2') ? 'qcow2' : 'raw';
      const vmdk = join(dir, `${name}-disk${index}.vmdk`);
      await execa('qemu-img', ['compare', '-q', '-f', format, '-F', 'vmdk', source, vmdk]);
    }
    const back = await importFrom(storage, file);
    t.is(back.status, 200, back.message);
    t.like(back.result.guest, { memory: 512, cpu: 2, machine: { firmware: 'uefi' } });
    t.is(back.result.guest.nics?.[0]?.model, 'e1000');
    await storage.call('DiscardImport', { guest: back.result.guest.id, token: back.result.token });
    await until(
      'its snapshot is gone',
      async () => (await readdir(join(storage.dir, 'exports'))).length === 0,
    );
    await nothingLeft(t, storage, [GUEST_ID]);
  });
};
