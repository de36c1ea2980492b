/**
 * The one build plugin for WGSL, used by esbuild and by vitest. `import kernel from '…/relu.wgsl'` gives what `describeKernel`
 * returns: the code with its includes resolved, a line map for error messages, and what reflection found in it — bindings by
 * name, the offsets of the parameters, overrides — so that the program never counts bytes or binding numbers by hand.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
// The package's own entry for Node is CommonJS inside an ES-module package and does not load: take the module build.
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

const kernels = resolve(dirname(fileURLToPath(import.meta.url)), '../kernels');
const includeLine = /^\s*\/\/\s*#include\s+"([^"]+)"\s*$/;

/** Reads a kernel with `// #include "lib/…"` replaced by the file, once each. Returns the lines with their origin. */
function readLines(path, seen = new Set()) {
  if (seen.has(path)) return [];
  seen.add(path);
  const file = relative(kernels, path).replaceAll('\\', '/');
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      const include = includeLine.exec(text);
      return include ? readLines(join(kernels, include[1]), seen) : [{ text, file, line: index + 1 }];
    });
}

/** Runs of lines that come from one file in sequence: `[first line of the code, file, first line in that file]`. */
function lineMap(lines) {
  const runs = [];
  lines.forEach(({ file, line }, index) => {
    const last = runs.at(-1);
    if (last && last[1] === file && line - last[2] === index + 1 - last[0]) return;
    runs.push([index + 1, file, line]);
  });
  return runs;
}

/**
 * The code without its functions and without aliases of fragments of matrices: reflection is after the other declarations only,
 * and its parser does not know all that Dawn's does.
 */
function declarations(code) {
  const text = code.replace(/\/\/.*$/gm, '').replace(/^\s*alias\s+\w+\s*=\s*subgroup_matrix_\w+<[^;]*;/gm, '');
  const start = /(?:@\w+(?:\([^)]*\))?\s*)*\bfn\s+\w+/g;
  let result = '';
  let from = 0;
  for (let match = start.exec(text); match; match = start.exec(text)) {
    result += text.slice(from, match.index);
    let depth = 0;
    let end = text.indexOf('{', match.index);
    do {
      if (text[end] === '{') depth++;
      if (text[end] === '}') depth--;
    } while (depth > 0 && ++end < text.length);
    from = end + 1;
    start.lastIndex = from;
  }
  return result + text.slice(from);
}

const access = (variable) =>
  variable.resourceType === 0 ? 'uniform' : variable.access === 'read_write' ? 'read_write' : 'read';

function reflectParams(variable) {
  const fields = {};
  for (const member of variable.type.members ?? []) {
    fields[member.name] = { offset: member.offset, type: member.type.name };
  }
  return { size: Math.ceil(variable.size / 16) * 16, fields };
}

/** Everything the program needs to know of one kernel file. */
export function describeKernel(path) {
  const lines = readLines(path);
  const code = lines.map((line) => line.text).join('\n');
  const name = relative(kernels, path)
    .replaceAll('\\', '/')
    .replace(/\.wgsl$/, '');
  let reflection;
  try {
    reflection = new WgslReflect(declarations(code));
  } catch (error) {
    throw new Error(`kernels/${name}.wgsl does not parse: ${error?.message ?? error}`);
  }
  const variables = [...reflection.uniforms, ...reflection.storage].sort((a, b) => a.binding - b.binding);
  const params = reflection.uniforms[0];
  return {
    name,
    code,
    lines: lineMap(lines),
    bindings: variables.map((variable) => ({
      name: variable.name,
      binding: variable.binding,
      access: access(variable),
    })),
    params: params ? reflectParams(params) : { size: 0, fields: {} },
    overrides: reflection.overrides.map((override) => override.name),
    features: [...code.matchAll(/^\s*enable\s+([\w, ]+);/gm)].flatMap((match) =>
      match[1].split(',').map((part) => part.trim()),
    ),
  };
}

/** Paths of all files that `path` includes, itself not among them: a change there rebuilds the kernel. */
const includesOf = (path) =>
  [...new Set(readLines(path).map((line) => join(kernels, line.file)))].filter((file) => file !== path);

const moduleText = (path) => `export default ${JSON.stringify(describeKernel(path))};`;

/** Code without comments and indentation, line by line as before: errors still find their line. */
const withoutComments = (code) =>
  code
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trim())
    .join('\n');

const compactModuleText = (path) => {
  const kernel = describeKernel(path);
  return `export default ${JSON.stringify({ ...kernel, code: withoutComments(kernel.code) })};`;
};

const forEsbuild = (text) => ({
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({
      contents: text(path),
      loader: 'js',
      watchFiles: [path, ...includesOf(path)],
    }));
  },
});

/** For esbuild. */
export const wgslForEsbuild = forEsbuild(moduleText);
/** The same for what is sent over a network: without what only people read. */
export const compactWgslForEsbuild = forEsbuild(compactModuleText);

/** For vite and vitest. */
export const wgslForVite = {
  name: 'wgsl',
  enforce: 'pre',
  load(id) {
    const path = id.split('?')[0];
    if (!path.endsWith('.wgsl')) return null;
    for (const file of includesOf(path)) this.addWatchFile(file);
    return { code: moduleText(path), map: null };
  },
};
