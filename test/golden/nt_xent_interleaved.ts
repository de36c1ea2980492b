/** Its files hold what those of unsupervised SimCSE do. */
export { default } from './simcse_unsup.ts';
