/** Fingers on a page of Chromium: playwright itself can only tap. */
import type { Page } from 'playwright-core';

type Place = readonly [x: number, y: number];

/** Lays fingers down, moves them in steps and lifts them. Each has a place in `from` and one in `to`, in pixels of the window. */
export async function drag(page: Page, from: readonly Place[], to: readonly Place[], steps = 8): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', places: readonly Place[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) });
  await send('touchStart', from);
  for (let step = 1; step <= steps; step++) {
    const between = from.map(([x, y], i): Place => {
      const share = step / steps;
      return [x + share * (to[i][0] - x), y + share * (to[i][1] - y)];
    });
    await send('touchMove', between);
    await page.waitForTimeout(16);
  }
  await send('touchEnd', []);
  await session.detach();
}
