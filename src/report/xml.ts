/** Text in XML and HTML. */
import { printable } from '../io/printable.ts';

/** Text for elements and attributes: marked up by nothing, and on one line. */
export const escapeXml = (text: string): string =>
  printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** What no document of XML 1.0 may hold, not even escaped: most control characters, halves of characters, U+FFFE and U+FFFF. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** A document that a parser of XML accepts, whatever text libraries have put into it. */
export const legalXml = (document: string): string => document.replace(forbidden, '\ufffd');
