import { add } from '../../src/ops/add.ts';
import { flatten } from '../../src/ops/flatten.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const shapes = [[1], [7], [63], [64], [65], [4, 5, 3, 2], [1031]];

testCases([
  ...shapes.map(
    (shape): Case => ({
      name: `relu and its gradient [${shape}]`,
      build() {
        const x = sample('x', shape);
        const y = relu(x);
        const [dx] = gradients(y, [x], sample('dy', shape));
        return { y, dx };
      },
      tolerance: 0,
    }),
  ),
  {
    name: 'add of a tensor that is read twice sums its gradients',
    build() {
      const a = sample('a', [65]);
      const y = add(relu(a), a);
      const [da] = gradients(y, [a], sample('dy', [65]));
      return { y, da };
    },
  },
  {
    name: 'gradients written straight into a flat buffer, a reshape between',
    build() {
      const a = sample('a', [3, 5]);
      const b = sample('b', [70]);
      const y = add(reshape(relu(a), [15]), reshape(relu(sample('c', [15])), [15]));
      const [da] = gradients(y, [a], sample('dy', [15]));
      const [db] = gradients(relu(b), [b], sample('db', [70]));
      return { flat: flatten([relu(da), db]) };
    },
  },
  {
    name: 'a leaf, a view and one tensor twice in a flat buffer, as copies',
    build() {
      const [a, b] = [sample('a', [3, 5]), relu(sample('b', [70]))];
      return { flat: flatten([a, b, reshape(relu(sample('c', [4, 6])), [24]), b]) };
    },
  },
]);

testGradient('relu', () => {
  const x = sample('x', [23]);
  const y = relu(x);
  const dy = sample('dy', [23]);
  return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
});
