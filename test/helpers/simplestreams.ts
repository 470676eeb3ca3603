import type { ExecutionContext } from 'ava';
import { serveHttp } from './storage.js';

const sum = (digit: string): string => digit.repeat(64);

/** What a server of simplestreams has below its base URL, by path. */
type Documents = Record<string, unknown>;

/** The metadata of cloud-images.ubuntu.com/releases, shortened. */
export const UBUNTU: Documents = {
  '/streams/v1/index.json': {
    format: 'index:1.0',
    updated: 'Tue, 03 Mar 2026 10:00:00 +0000',
    index: {
      'com.ubuntu.cloud:released:aws': {
        datatype: 'image-ids',
        format: 'products:1.0',
        path: 'streams/v1/com.ubuntu.cloud:released:aws.json',
        products: ['com.ubuntu.cloud:server:24.04:amd64'],
      },
      'com.ubuntu.cloud:released:download': {
        datatype: 'image-downloads',
        format: 'products:1.0',
        path: 'streams/v1/com.ubuntu.cloud:released:download.json',
        products: ['com.ubuntu.cloud:server:24.04:amd64', 'com.ubuntu.cloud:server:24.04:arm64'],
      },
    },
  },
  '/streams/v1/com.ubuntu.cloud:released:download.json': {
    content_id: 'com.ubuntu.cloud:released:download',
    datatype: 'image-downloads',
    format: 'products:1.0',
    license: 'http://www.canonical.com/intellectual-property-policy',
    products: Object.fromEntries(
      ['amd64', 'arm64'].map((arch) => [
        `com.ubuntu.cloud:server:24.04:${arch}`,
        {
          aliases: '24.04,noble,n,lts,default',
          arch,
          os: 'ubuntu',
          release: 'noble',
          release_codename: 'Noble Numbat',
          release_title: '24.04 LTS',
          support_eol: '2029-05-31',
          supported: true,
          version: '24.04',
          versions: Object.fromEntries(
            ['20260101', '20260301', '20251201'].map((version, index) => [
              version,
              {
                label: 'release',
                pubname: `ubuntu-noble-24.04-${arch}-server-${version}`,
                items: {
                  'lxd.tar.xz': {
                    ftype: 'lxd.tar.xz',
                    path: `server/releases/noble/release-${version}/ubuntu-24.04-server-cloudimg-${arch}-lxd.tar.xz`,
                    sha256: sum('a'),
                    size: 436,
                  },
                  'disk1.img': {
                    ftype: 'disk1.img',
                    md5: '0'.repeat(32),
                    path: `server/releases/noble/release-${version}/ubuntu-24.04-server-cloudimg-${arch}.img`,
                    sha256: sum(String(index)),
                    size: 612_000_000,
                  },
                  squashfs: {
                    ftype: 'squashfs',
                    path: `server/releases/noble/release-${version}/ubuntu-24.04-server-cloudimg-${arch}.squashfs`,
                    sha256: sum('b'),
                    size: 270_000_000,
                  },
                },
              },
            ]),
          ),
        },
      ]),
    ),
  },
};

const product = (os: string, release: string, variant: string, aliases: string, disk: boolean) => ({
  ...{ aliases, arch: 'amd64', os, release, release_title: release, requirements: {}, variant },
  versions: {
    '20260302_05:24': {
      items: {
        'incus.tar.xz': {
          'combined_disk-kvm-img_sha256': sum('c'),
          ftype: 'incus.tar.xz',
          path: `images/${os.toLowerCase()}/${release}/amd64/${variant}/20260302_05:24/incus.tar.xz`,
          sha256: sum('d'),
          size: 880,
        },
        ...(disk
          ? {
              'disk.qcow2': {
                ftype: 'disk-kvm.img',
                path: `images/${os.toLowerCase()}/${release}/amd64/${variant}/20260302_05:24/disk.qcow2`,
                sha256: sum('e'),
                size: 341_000_000,
              },
            }
          : {}),
        'root.squashfs': {
          ftype: 'squashfs',
          path: `images/${os.toLowerCase()}/${release}/amd64/${variant}/20260302_05:24/rootfs.squashfs`,
          sha256: sum('f'),
          size: 99_000_000,
        },
      },
    },
  },
});

/** The metadata of images.linuxcontainers.org, shortened. */
export const INCUS: Documents = {
  '/streams/v1/index.json': {
    format: 'index:1.0',
    index: {
      images: {
        datatype: 'image-downloads',
        format: 'products:1.0',
        path: 'streams/v1/images.json',
        products: ['debian:trixie:amd64:cloud', 'debian:trixie:amd64:default', 'gentoo:current:amd64:openrc'],
      },
    },
  },
  '/streams/v1/images.json': {
    content_id: 'images',
    datatype: 'image-downloads',
    format: 'products:1.0',
    products: {
      'debian:trixie:amd64:cloud': product(
        ...(['Debian', 'trixie', 'cloud', 'debian/trixie/cloud,debian/13/cloud', true] as const),
      ),
      'debian:trixie:amd64:default': product(
        ...([
          'Debian',
          'trixie',
          'default',
          'debian/trixie/default,debian/trixie,debian/13/default,debian/13',
          true,
        ] as const),
      ),
      'gentoo:current:amd64:openrc': product(
        ...(['Gentoo', 'current', 'openrc', 'gentoo/openrc,gentoo/current/openrc', false] as const),
      ),
    },
  },
};

export interface StreamsServer {
  /** The base URL, without a slash at its end. */
  url: string;
  /** The paths that were asked for. */
  asked: string[];
  /** Lets the server refuse all requests, or serve them again. */
  fail: (fails: boolean) => void;
}

/** Serves documents over HTTP until the test ends. */
export const serveStreams = async (t: ExecutionContext, documents: Documents): Promise<StreamsServer> => {
  const asked: string[] = [];
  let isFailing = false;
  const url = await serveHttp(t, ({ url: path = '' }, response) => {
    asked.push(path);
    const found = isFailing ? undefined : documents[decodeURIComponent(path)];
    response.writeHead(found === undefined ? 503 : 200).end(JSON.stringify(found));
  });
  return {
    url,
    asked,
    fail: (fails) => {
      isFailing = fails;
    },
  };
};
