/** What an accuracy is worth where classes are not equally frequent. */

/** Shares, 0 to 1. */
export interface Recognition {
  readonly accuracy: number;
  /** Mean over the classes, of those that have images, of the share of their images that are recognised. */
  readonly balancedAccuracy: number;
}

/** Compares predicted classes with labels. */
export function recognition(predicted: ArrayLike<number>, labels: ArrayLike<number>): Recognition {
  const counts = countsOf(labels);
  const right = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    if (predicted[i] === labels[i]) right.set(labels[i], (right.get(labels[i]) ?? 0) + 1);
  }
  return fromCounts([...counts].map(([label, count]) => [right.get(label) ?? 0, count]));
}

/** @param classes of each class: images that are recognised, and all */
export function fromCounts(classes: readonly (readonly [right: number, count: number])[]): Recognition {
  const present = classes.filter(([, count]) => count > 0);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    accuracy: sum(present.map(([right]) => right)) / sum(present.map(([, count]) => count)),
    balancedAccuracy: sum(present.map(([right, count]) => right / count)) / present.length,
  };
}

/** Answering one class always. */
export interface MajorityBaseline {
  /** The most frequent class of train; of equals the first. */
  readonly label: number;
  /** Share of the test images that are of that class: its accuracy. */
  readonly accuracy: number;
}

export function majorityBaseline(train: ArrayLike<number>, test: ArrayLike<number>): MajorityBaseline {
  const [label] = [...countsOf(train)].reduce((best, one) =>
    one[1] > best[1] || (one[1] === best[1] && one[0] < best[0]) ? one : best,
  );
  return { label, accuracy: (countsOf(test).get(label) ?? 0) / test.length };
}

/** Whether all of the classes have equally many images; then accuracy and balanced accuracy are the same number. */
export function isBalanced(labels: ArrayLike<number>, classes: number): boolean {
  const counts = countsOf(labels);
  return counts.size === classes && new Set(counts.values()).size === 1;
}

function countsOf(labels: ArrayLike<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  return counts;
}
