import { constant } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { add } from '../../src/ops/add.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Images have to find their texts, and texts their images; the temperature is e^−logit_scale. */
const check: GoldenCheck = async (file, device) => {
  const temperature = Math.exp(-file.get('logit_scale').data[0]);
  const values = await run(device, () => {
    const [image, text] = ['image', 'text'].map((name) => tensorOf(name, file.get(name)));
    const [a, b] = [l2Normalize(image), l2Normalize(text)];
    const loss = add(infoNce(a, b, { temperature }).loss, infoNce(b, a, { temperature }).loss);
    const [dimage, dtext, da] = gradients(loss, [image, text, a], constant('half', Float32Array.of(0.5)));
    return { loss, dimage, dtext, a, da };
  });
  const [rows, dimensions] = file.get('image').shape;
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', [values['loss'][0] / 2], file.get('loss'), tolerance);
  expectClose('grad_image', values['dimage'], file.get('grad_image'), tolerance);
  expectClose('grad_text', values['dtext'], file.get('grad_text'), tolerance);
  // Similarities are linear in the images and in e^logit_scale: the derivative along both is the same.
  const along = values['a'].reduce((sum, value, i) => sum + value * values['da'][i], 0);
  expectClose('grad_logit_scale', [along], file.get('grad_logit_scale'), tolerance);
  return undefined;
};

export default check;
