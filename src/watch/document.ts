/** The page's document: all else is in its script. */
import type { Answer } from './answers.ts';

/** Drawn here: a picture in the document needs no further request. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6bcb"/><path d="M5 8c4 0 5 14 11 14h11" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`;

export const document: Answer = {
  type: 'text/html; charset=utf-8',
  body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>simclr watch</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
</head>
<body>
<div id="app"><p class="boot">Loading …</p></div>
<noscript>This page draws charts, for which it needs JavaScript.</noscript>
</body>
</html>
`,
};
