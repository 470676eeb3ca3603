import { svg } from './dom.js';

/** What a guest can begin with. */
export type ImageKind = 'disk' | 'container' | 'iso' | 'empty';

/** Two letters and a hue for the systems and programs whose name an image is likely to have. */
const KNOWN: readonly (readonly [pattern: RegExp, letters: string, hue: number])[] = [
  [/debian/, 'De', 340],
  [/ubuntu/, 'Ub', 18],
  [/fedora/, 'Fe', 215],
  [/alpine/, 'Al', 200],
  [/arch/, 'Ar', 195],
  [/alma/, 'Am', 230],
  [/rocky/, 'Ro', 155],
  [/centos/, 'Ce', 285],
  [/rhel|redhat|ubi\d/, 'Rh', 355],
  [/suse|leap|tumbleweed/, 'Su', 95],
  [/nixos/, 'Ni', 210],
  [/gentoo/, 'Ge', 265],
  [/freebsd/, 'Fb', 5],
  [/openbsd/, 'Ob', 45],
  [/windows|win\d|virtio-win/, 'Wi', 205],
  [/flatcar|coreos/, 'Co', 180],
  [/busybox/, 'Bb', 60],
  [/nginx/, 'Ng', 140],
  [/postgres/, 'Pg', 212],
  [/mysql|mariadb/, 'My', 190],
  [/redis|valkey/, 'Re', 8],
  [/python/, 'Py', 50],
  [/node/, 'No', 120],
];

const GREY = 'hsl(210 8% 45%)';

const lettersOf = (id: string): { letters: string; colour: string } => {
  const found = KNOWN.find(([pattern]) => pattern.test(id.toLowerCase()));
  if (found) return { letters: found[1], colour: `hsl(${found[2]} 55% 38%)` };
  const [first = '', second = ''] =
    id
      .split('/')
      .at(-1)
      ?.replace(/[^\p{L}\p{N}]/gu, '') ?? '';
  return { letters: first.toUpperCase() + second, colour: GREY };
};

const SIZE = 40;

/** The shape of each kind: a disk of a virtual machine, a box, a CD, and a disk with nothing on it. */
const SHAPES: Record<ImageKind, (colour: string) => SVGElement[]> = {
  disk: (fill) => [
    svg('rect', { x: 3, y: 6, width: 34, height: 28, rx: 5, fill }),
    svg('rect', { x: 3, y: 27, width: 34, height: 7, rx: 3, fill: 'rgb(0 0 0 / 25%)' }),
    svg('circle', { cx: 32, cy: 30.5, r: 1.6, fill: '#fff' }),
  ],
  container: (fill) => [
    svg('path', { d: 'M20 2 37 10v20L20 38 3 30V10Z', fill, 'stroke-linejoin': 'round' }),
    svg('path', { d: 'M3 10l17 8 17-8', fill: 'none', stroke: 'rgb(255 255 255 / 45%)' }),
  ],
  iso: (fill) => [
    svg('circle', { cx: 20, cy: 20, r: 17, fill }),
    svg('circle', { cx: 20, cy: 20, r: 13, fill: 'none', stroke: 'rgb(255 255 255 / 35%)' }),
  ],
  empty: () => [
    svg('rect', {
      ...{ x: 3, y: 6, width: 34, height: 28, rx: 5, fill: 'none', stroke: GREY },
      ...{ 'stroke-width': 2, 'stroke-dasharray': '4 3' },
    }),
  ],
};

/**
 * Draws what an image is: the shape says of which kind, and the letters and the colour which system. The name stands beside
 * it, so that it says nothing to a screen reader.
 */
export const imageIcon = (kind: ImageKind, id = ''): SVGElement => {
  const { letters, colour } = lettersOf(id);
  const text = svg('text', {
    ...{ x: 20, y: kind === 'container' ? 29 : 20, fill: '#fff', 'font-size': 13, 'font-weight': 600 },
    ...{ 'text-anchor': 'middle', 'dominant-baseline': 'central' },
  });
  text.textContent = letters;
  return svg(
    'svg',
    { viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, height: SIZE, 'aria-hidden': 'true', class: 'icon' },
    ...SHAPES[kind](colour),
    ...(kind === 'empty' ? [] : [text]),
  );
};
