/**
 * Has zod interpret its schemas. It compiles them to code otherwise, and tries whether it may when it makes the first one: the page's policy
 * forbids it, and Firefox writes every trial to the console.
 */
import { z } from 'zod';

z.config({ jitless: true });
