/** What the build plugin (`scripts/wgsl.mjs`) makes of one WGSL file. */
export interface Kernel {
  /** `<op>/<file>`, as under `kernels/`. */
  readonly name: string;
  readonly code: string;
  /** Where the lines of `code` come from: `[first line in code, file, first line in that file]`. */
  readonly lines: readonly (readonly [number, string, number])[];
  readonly bindings: readonly KernelBinding[];
  readonly params: {
    readonly size: number;
    readonly fields: Readonly<Record<string, { offset: number; type: string }>>;
  };
  readonly overrides: readonly string[];
  /** Names in `enable` directives. */
  readonly features: readonly string[];
}

export interface KernelBinding {
  readonly name: string;
  readonly binding: number;
  readonly access: 'uniform' | 'read' | 'read_write';
}

/** Values of a kernel's `override` constants. */
export type Constants = Readonly<Record<string, number>>;
/** Values of the fields of a kernel's `params` uniform. */
export type Params = Readonly<Record<string, number>>;

/** `conv2d/implicit_gemm.wgsl:41` for a line of a kernel's code after its includes were put in. */
export function sourceLine(kernel: Kernel, line: number): string {
  const run = kernel.lines.findLast(([first]) => first <= line);
  return run ? `kernels/${run[1]}:${run[2] + line - run[0]}` : `kernels/${kernel.name}.wgsl`;
}

/** Writes parameters by name into `target` at `offset`, where reflection says that they belong. */
export function packParams(kernel: Kernel, params: Params, target: DataView, offset: number): void {
  const { fields } = kernel.params;
  for (const name of Object.keys(fields)) {
    if (!(name in params)) throw new Error(`${kernel.name}: parameter '${name}' is missing`);
  }
  for (const [name, value] of Object.entries(params)) {
    const field = fields[name];
    if (!field)
      throw new Error(`${kernel.name}: has no parameter '${name}' (it has ${Object.keys(fields).join(', ')})`);
    if (field.type === 'f32') target.setFloat32(offset + field.offset, value, true);
    else if (field.type === 'i32') target.setInt32(offset + field.offset, value, true);
    else target.setUint32(offset + field.offset, value, true);
  }
}

/**
 * Workgroups for `size` invocations in groups of `group`, folded into two dimensions (see `kernels/lib/grid.wgsl`) with as few as
 * possible to spare.
 */
export function grid1d(size: number, group: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(size / group));
  const y = Math.ceil(groups / 65535);
  return [Math.ceil(groups / y), y, 1];
}
