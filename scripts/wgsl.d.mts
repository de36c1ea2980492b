import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin } from 'vitest/config';
import type { Kernel } from '../src/gpu/kernel.ts';

export function describeKernel(path: string): Kernel;
export const wgslForEsbuild: EsbuildPlugin;
export const wgslForVite: Plugin;
