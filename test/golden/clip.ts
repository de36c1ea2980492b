import { clipLoss } from '../../src/losses/clip.ts';
import { LogitScale } from '../../src/nn/logit_scale.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Images have to find their texts, and texts their images, by a temperature that is learnt. */
const check: GoldenCheck = async (file, device) => {
  const temperature = Math.exp(-file.get('logit_scale').data[0]);
  const values = await run(device, () => {
    const [image, text] = ['image', 'text'].map((name) => tensorOf(name, file.get(name)));
    const scale = new LogitScale(temperature);
    const { loss } = clipLoss(scale.forward(l2Normalize(image)), l2Normalize(text));
    const [{ tensor }] = scale.parameters;
    const [dimage, dtext, dscale] = gradients(loss, [image, text, tensor]);
    return { loss, dimage, dtext, dscale };
  });
  const [rows, dimensions] = file.get('image').shape;
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', values['loss'], file.get('loss'), tolerance);
  expectClose('grad_image', values['dimage'], file.get('grad_image'), tolerance);
  expectClose('grad_text', values['dtext'], file.get('grad_text'), tolerance);
  expectClose('grad_logit_scale', values['dscale'], file.get('grad_logit_scale'), tolerance);
  return undefined;
};

export default check;
