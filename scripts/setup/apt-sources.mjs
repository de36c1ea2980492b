/**
 * Reads apt's own configuration of sources, to ask the machine's mirror for a suite that is not configured.
 *
 * @typedef {{ uris: string[], suites: string[], components: string[], forSuite: (suite: string) => string }} Source
 *   `forSuite` is the same source for another suite, as a stanza for a `.sources` file: mirror, keys and options stay.
 */

/** One line of a `.list` file, e.g. `deb [signed-by=…] http://… bookworm main`. @param {string} line @returns {Source[]} */
function fromLine(line) {
  const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(line.replace(/#.*/, '').trim());
  if (!match) return [];
  const [, options = '', uri, suite, components] = match;
  const fields = [...options.matchAll(/([\w-]+)=(\S+)/g)].map(
    ([, name, value]) => `${name}: ${value.replace(/,/g, ' ')}`,
  );
  return [
    {
      uris: [uri],
      suites: [suite],
      components: components.split(/\s+/),
      forSuite: (other) => stanza(uri, other, fields),
    },
  ];
}

/** One stanza of a `.sources` file. @param {string} text @returns {Source[]} */
function fromStanza(text) {
  /** @type {Map<string, string>} */
  const fields = new Map();
  let name = '';
  for (const line of text.split('\n').filter((line) => !line.startsWith('#') && line.trim())) {
    const match = /^([\w-]+):\s*(.*)$/.exec(line);
    if (match) name = match[1].toLowerCase();
    // A line that begins with a space continues the field above; keys may be spelled out that way.
    fields.set(name, match ? match[2] : `${fields.get(name)}\n${line}`);
  }
  const words = (/** @type {string} */ field) => (fields.get(field) ?? '').split(/\s+/).filter(Boolean);
  if (!words('types').includes('deb') || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) return [];
  const changed = ['types', 'uris', 'suites', 'components', 'enabled'];
  const kept = [...fields].filter(([field]) => !changed.includes(field)).map(([field, value]) => `${field}: ${value}`);
  return [
    {
      uris: words('uris'),
      suites: words('suites'),
      components: words('components'),
      forSuite: (other) => stanza(words('uris').join(' '), other, kept),
    },
  ];
}

/** @param {string} uris @param {string} suite @param {string[]} fields @returns {string} */
function stanza(uris, suite, fields) {
  return [`Types: deb`, `URIs: ${uris}`, `Suites: ${suite}`, 'Components: main', ...fields, ''].join('\n');
}

/**
 * @param {string} name of a file of apt's sources
 * @param {string} text its content
 * @returns {Source[]}
 */
export function parseSources(name, text) {
  if (name.endsWith('.sources')) return text.split(/\n\s*\n/).flatMap(fromStanza);
  return name.endsWith('.list') ? text.split('\n').flatMap(fromLine) : [];
}

/**
 * The source of the distribution itself among all that are configured. Others may use its suites' names too, so one whose
 * address ends in the distribution's name comes first.
 * @param {Source[]} sources
 * @param {string} distribution e.g. debian
 * @param {string} codename e.g. bookworm
 * @returns {Source | undefined}
 */
export function distributionSource(sources, distribution, codename) {
  const names = [codename, 'stable', 'oldstable', 'oldoldstable'];
  const fitting = sources.filter(
    ({ uris, suites, components }) =>
      suites.some((suite) => names.includes(suite)) &&
      components.includes('main') &&
      !uris.some((uri) => uri.startsWith('cdrom:')),
  );
  const ending = new RegExp(`/${distribution}/?$`);
  return fitting.find(({ uris }) => uris.some((uri) => ending.test(uri))) ?? fitting[0];
}

/**
 * The suites that complete the distribution's own: updates, security fixes and backports, where they are configured.
 * @param {Source[]} sources
 * @param {string} codename e.g. bookworm
 * @returns {[string, Source][]} suites and where they come from
 */
export function suiteSources(sources, codename) {
  const pattern = new RegExp(`^(${codename}|(old){0,2}stable)-(updates|security|backports)$`);
  return sources.flatMap((source) =>
    source.components.includes('main')
      ? source.suites
          .filter((suite) => pattern.test(suite))
          .map((suite) => /** @type {[string, Source]} */ ([suite, source]))
      : [],
  );
}
