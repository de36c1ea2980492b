/** What each rank of collectives.test.ts does; rank 0 prints what all found. */
import { launchOf, MpiWorld, shareText } from '../../dist/index.js';

const world = await MpiWorld.join(launchOf());
const { rank, size } = world;
const values = Float32Array.from({ length: 100_003 }, (_, i) => i + rank);
await world.sum(values);
const gathered = await world.gather(Float32Array.of(rank + 0.5, -1 - rank));
const shared = await shareText(world, rank === 0 ? 'Grüße' : 'something longer that nobody looks at');
const texts = await world.collect('ü'.repeat(rank));
let turns = 0;
const timer = setInterval(() => turns++, 1);
// The last rank is late: the event loops of the others go on meanwhile.
if (rank === size - 1) await new Promise((resolve) => setTimeout(resolve, 300));
await world.sum(Float32Array.of(1));
clearInterval(timer);
const own = { rank, first: values[0], last: values.at(-1), gathered: [...gathered], shared, texts, turns };
const all = await world.collect(JSON.stringify(own));
if (rank === 0) console.log(`[${all.join(',')}]`);
await world.finish();
