import { constant, variable } from '../../src/graph/trace.ts';
import { dinoLoss, updateCenter } from '../../src/losses/dino.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

/** The targets, the loss by the centre as it was, and the centre after it. */
const check: GoldenCheck = async (file, device) => {
  const number = (name: string) => file.number(name);
  const center = variable('center', file.get('center').shape, () => file.get('center').data);
  const build = () => {
    const [student, teacher] = ['student', 'teacher'].map((name) => tensorOf(name, file.get(name)));
    const rows = [student, teacher].map((crops) => reshape(crops, [crops.shape[0] * crops.shape[1], crops.shape[2]]));
    const { loss, targets } = dinoLoss({
      ...{ student: rows[0], teacher: rows[1], center },
      studentTemperature: number('student_temperature'),
      teacherTemperature: constant('teacher temperature', Float32Array.of(number('teacher_temperature'))),
    });
    const [grad_student] = gradients(loss, [student]);
    updateCenter(center, rows[1], number('center_momentum'));
    return { loss, targets, grad_student };
  };
  const results = await run(device, build, { center_after: center });
  for (const [name, value] of Object.entries(results)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
