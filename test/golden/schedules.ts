import { cosineBetween, linearBetween, schedules } from '../../src/optim/schedule.ts';
import { expectClose, type GoldenCheck } from './harness.ts';

/** Schedules are functions of the host: the same by every device. Steps of the file count from 0. */
const check: GoldenCheck = async (file) => {
  const number = (name: string) => file.number(name);
  const perEpoch = number('steps_per_epoch');
  const [total, warmup] = [number('epochs') * perEpoch, number('warmup_epochs') * perEpoch];
  const [lr, end] = [number('lr'), number('lr_min')];
  const [cold, hot] = [number('teacher_temperature_start'), number('teacher_temperature')];
  const afterWarmup = (step: number) => cosineBetween(lr, end, (step - warmup) / (total - warmup));
  const formulas: Record<string, (step: number) => number> = {
    ema: (step) => cosineBetween(number('ema_base'), number('ema_final'), step / total),
    weight_decay: (step) => cosineBetween(number('weight_decay'), number('weight_decay_end'), step / total),
    lr_linspace: (step) => (step < warmup ? linearBetween(0, lr, step / (warmup - 1)) : afterWarmup(step)),
    lr_fraction: (step) => (step < warmup ? (lr * step) / warmup : afterWarmup(step)),
    teacher_temperature: (step) =>
      linearBetween(cold, hot, Math.floor(step / perEpoch) / (number('warmup_epochs') - 1)),
    lr_steps: (step) => schedules.step(step + 1, { base: lr, total, milestones: [0.6, 0.8] }),
  };
  const steps = [...file.get('steps').data];
  for (const [name, formula] of Object.entries(formulas)) expectClose(name, steps.map(formula), file.get(name), 3e-7);
  return undefined;
};

export default check;
