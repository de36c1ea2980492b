import { constant } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { detach } from '../../src/ops/detach.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { indexCopy } from '../../src/ops/narrow.ts';
import { MemoryBank } from '../../src/ssl/memory_bank.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

/** The loss against the whole bank, and the bank after it. */
const check: GoldenCheck = async (file, device) => {
  const stored = file.get('bank');
  const [images, dimensions] = stored.shape;
  const bank = new MemoryBank({ images, dimensions, seed: 1, momentum: file.number('momentum') });
  const build = () => {
    indexCopy(bank.rows, tensorOf('bank', stored));
    const v = tensorOf('v', file.get('v'));
    const index = constant('index', Uint32Array.from(file.get('index').data));
    const unit = l2Normalize(v);
    const { loss } = infoNce(unit, detach(bank.rows), { target: index, temperature: file.number('temperature') });
    const [grad_v] = gradients(loss, [v]);
    bank.update(index, unit);
    return { loss, grad_v };
  };
  const values = await run(device, build, { bank_after: bank.rows });
  for (const [name, value] of Object.entries(values)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
