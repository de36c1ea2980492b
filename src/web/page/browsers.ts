/** Which browsers have WebGPU, and what to do in the one that shows the page. */
import { el } from './dom.ts';

interface Browser {
  readonly name: string;
  /** From which version on, and what to do where it is switched off; what is to be typed stands between backticks. */
  readonly needs: string;
  /** Whether what browsers say of themselves (`navigator.userAgent`) is said by this one. */
  is(agent: string): boolean;
}

const onLinux = (agent: string): boolean => /Linux|X11/.test(agent) && !/Android|CrOS/.test(agent);

/** By https://github.com/gpuweb/gpuweb/wiki/Implementation-Status; Firefox on Linux by trial of 153. An agent is the first that it can be. */
const browsers: readonly Browser[] = [
  {
    name: 'Firefox on Linux',
    needs:
      'it is off until you switch it on. With 153 or newer, open `about:config`, set `dom.webgpu.enabled` to true and restart Firefox; if it then finds no GPU, set `gfx.webgpu.ignore-blocklist` to true as well.',
    is: (agent) => /Firefox\//.test(agent) && onLinux(agent),
  },
  {
    name: 'Firefox',
    needs:
      '141 or newer on Windows; on Macs with Apple chips 145 or newer with macOS 26, 147 or newer with older ones. Not on Android, nor on Macs with Intel’s chips.',
    is: (agent) => /Firefox\//.test(agent),
  },
  {
    name: 'Chromium on Linux',
    needs:
      '144 or newer with Intel’s newer GPUs, 147 or newer with NVIDIA’s; with others start it with `--enable-unsafe-webgpu --ozone-platform=x11 --use-angle=vulkan --enable-features=Vulkan,VulkanFromANGLE`',
    is: (agent) => /Chrome\//.test(agent) && onLinux(agent),
  },
  {
    name: 'Chrome, Edge or another Chromium',
    needs: '113 or newer on Windows, macOS and ChromeOS, 121 or newer on Android.',
    is: (agent) => /Chrome\//.test(agent),
  },
  {
    name: 'Safari, or any browser on an iPhone or iPad',
    needs: '26 or newer, with iOS or iPadOS 26 or newer.',
    is: (agent) => /(Macintosh|iPhone|iPad).*AppleWebKit\//.test(agent),
  },
];

/** The browser that says this of itself; undefined for those of which nothing is known. */
export const browserOf = (agent: string): Browser | undefined => browsers.find(({ is }) => is(agent));

const described = ({ name, needs }: Browser, before = ''): (Node | string)[] => [
  el('strong', {}, before + name),
  ': ',
  ...needs.split('`').map((part, i) => (i % 2 === 1 ? el('code', {}, part) : part)),
];

/** What the browser that says this of itself needs, then all others. */
export function whatBrowsersNeed(agent: string): Node[] {
  const own = browserOf(agent);
  const others = browsers.filter((browser) => browser !== own);
  return [
    ...(own ? [el('p', {}, ...described(own, 'Yours, '))] : []),
    el('p', {}, own ? 'Others that have it:' : 'Browsers that have it:'),
    el('ul', {}, ...others.map((browser) => el('li', {}, ...described(browser)))),
  ];
}
