/** PyTorch's values of 96-pixel steps on all adapters but the first, which `golden.test.ts` checks them on. */
import { goldenItems, skipGolden, testOnAdapters } from './golden/suite.ts';
import { adapters } from './ops/harness.ts';

const long = (goldenItems() ?? []).filter((item) => item.long);
if (long.length === 0) skipGolden('no file has long steps');
else if (adapters.length < 2) skipGolden('there is no second adapter');
else testOnAdapters(long, () => true, adapters.slice(1));
