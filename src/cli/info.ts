import { Command } from 'commander';
import { listAdapters } from '../gpu/adapters.ts';
import { Gpu } from '../gpu/device.ts';
import { Terminal } from './terminal.ts';

/** `simclr info`: what the adapter is and can do. */
export function infoCommand(): Command {
  return new Command('info')
    .description('print the adapter: driver, features, limits, subgroup sizes, matrix configurations')
    .option('--adapter <name>', 'part of the adapter’s name (default: the first one, hardware before software)')
    .action(async ({ adapter: wanted }: { adapter?: string }) => {
      const terminal = new Terminal();
      const gpu = await Gpu.open({ adapter: wanted });
      const { adapter, traits } = gpu;
      const { info } = adapter;
      const matrices = traits.matrixConfigs.map(
        ({ componentType, resultComponentType, M, N, K }) => `${M}×${N}×${K} ${componentType} → ${resultComponentType}`,
      );
      const features = [...adapter.features].sort();
      const limits: string[][] = [];
      for (const name in adapter.limits) limits.push([name, String(adapter.limits[name as keyof GPUSupportedLimits])]);
      const facts = [
        ['adapter', traits.adapter],
        ['kind', traits.software ? 'software rasteriser' : 'GPU'],
        ['vendor', info.vendor],
        ['architecture', info.architecture],
        ['driver', info.description],
        ['subgroup sizes', `${traits.subgroupMinSize} to ${traits.subgroupMaxSize}`],
        ['matrix units', matrices.join(', ') || 'none'],
        ['features used', [...traits.features].join(', ')],
        ['features', features.join(', ')],
        ['other adapters', (await listAdapters()).filter((name) => name !== traits.adapter).join(', ') || 'none'],
      ];
      const width = Math.max(...facts.map(([name]) => name.length));
      for (const [name, value] of facts) terminal.line(`${name.padEnd(width)}  ${value}`);
      terminal.line();
      terminal.table(['limit', 'value'], limits);
      gpu.destroy();
    });
}
