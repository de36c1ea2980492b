import { nce } from '../../src/losses/nce.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['log_p_data', 'log_p_noise'], ([logPData, logPNoise], file) => {
  const [logQData, logQNoise] = ['log_q_data', 'log_q_noise'].map((name) => tensorOf(name, file.get(name)));
  return nce({ logPData, logQData, logPNoise, logQNoise });
});
