import { XMLBuilder } from 'fast-xml-parser';
import type { Guest } from '../../../model/guest.js';
import { DEFAULT_MEMORY_MB, DEFAULT_VCPUS } from '../../../model/guest-size.js';

/** A disk in an OVA. */
export interface OvaDisk {
  /** The name of its file. */
  file: string;
  /** Bytes of the file, and of the disk. */
  fileSize: number;
  size: number;
}

const BUILDER = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', format: true });

/** The namespaces of OVF 1.0 (DSP0243) and of VMware's settings. */
const OVF = 'http://schemas.dmtf.org/ovf/envelope/1';
const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2';
const VMW = 'http://www.vmware.com/schema/ovf';
const STREAM_OPTIMIZED = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';

type Fields = Record<string, string | number>;

/** An item of the hardware. The schema wants its fields in the order of their names. */
const item = (instance: number, type: number, fields: Fields): object =>
  Object.fromEntries(
    Object.entries({ InstanceID: instance, ResourceType: type, ...fields })
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => [`rasd:${name}`, value]),
  );

const SATA = 3;
/** The first instance of disks and NICs. */
const FIRST_DISK = 10;
const FIRST_NIC = 100;

const networksOf = ({ nics = [] }: Guest): string[] => [
  ...new Set(nics.map(({ network }) => network || 'none')),
];

const hardware = (guest: Guest, disks: readonly OvaDisk[]): object[] => {
  const { memory = DEFAULT_MEMORY_MB, cpu = DEFAULT_VCPUS, nics = [] } = guest;
  return [
    item(1, 3, { ElementName: `${cpu} vCPU`, VirtualQuantity: cpu }),
    item(2, 4, { AllocationUnits: 'byte * 2^20', ElementName: `${memory} MB`, VirtualQuantity: memory }),
    item(SATA, 20, { Address: 0, ElementName: 'SATA controller', ResourceSubType: 'AHCI' }),
    ...disks.map((_, index) =>
      item(FIRST_DISK + index, 17, {
        ...{ AddressOnParent: index, ElementName: `disk ${index}`, Parent: SATA },
        HostResource: `ovf:/disk/disk${index}`,
      }),
    ),
    ...nics.map(({ network }, index) =>
      item(FIRST_NIC + index, 10, {
        ...{ AddressOnParent: index, AutomaticAllocation: 'true', ElementName: `NIC ${index}` },
        ...{ Connection: network || 'none', ResourceSubType: 'E1000' },
      }),
    ),
  ];
};

/** Writes the description of an OVA: OVF 1.0, which VirtualBox and VMware read. */
export const ovfText = (guest: Guest, name: string, disks: readonly OvaDisk[]): string => {
  const isUefi = guest.machine?.firmware === 'uefi';
  const envelope = {
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    Envelope: {
      ...{ '@ovf:version': '1.0', '@xml:lang': 'en', '@xmlns': OVF, '@xmlns:ovf': OVF, '@xmlns:vmw': VMW },
      '@xmlns:rasd': `${CIM}/CIM_ResourceAllocationSettingData`,
      '@xmlns:vssd': `${CIM}/CIM_VirtualSystemSettingData`,
      References: {
        File: disks.map(({ file, fileSize }, index) => ({
          ...{ '@ovf:href': file, '@ovf:id': `file${index}`, '@ovf:size': fileSize },
        })),
      },
      DiskSection: {
        Info: 'Its disks',
        Disk: disks.map(({ size }, index) => ({
          ...{ '@ovf:capacity': size, '@ovf:capacityAllocationUnits': 'byte', '@ovf:diskId': `disk${index}` },
          ...{ '@ovf:fileRef': `file${index}`, '@ovf:format': STREAM_OPTIMIZED },
        })),
      },
      NetworkSection: {
        Info: 'Its networks',
        Network: networksOf(guest).map((network) => ({ '@ovf:name': network, Description: network })),
      },
      VirtualSystem: {
        '@ovf:id': name,
        Info: 'A virtual machine',
        Name: name,
        OperatingSystemSection: { '@ovf:id': 102, Info: 'Its operating system', Description: 'unknown' },
        VirtualHardwareSection: {
          Info: 'Its hardware',
          System: {
            'vssd:ElementName': 'Virtual Hardware Family',
            ...{
              'vssd:InstanceID': 0,
              'vssd:VirtualSystemIdentifier': name,
              'vssd:VirtualSystemType': 'vmx-10',
            },
          },
          Item: hardware(guest, disks),
          ...(isUefi
            ? { 'vmw:Config': { '@ovf:required': 'false', '@vmw:key': 'firmware', '@vmw:value': 'efi' } }
            : {}),
        },
      },
    },
  };
  return BUILDER.build(envelope);
};
