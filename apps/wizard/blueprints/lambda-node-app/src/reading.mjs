/** How long a text takes to read, and what it is made of. */

export const LONGEST = 50_000;
const WORDS_A_MINUTE = 230;

/** What is wrong with a text that nothing can be told of; its message is for whoever wrote it. */
export class InvalidTextError extends Error {}

/**
 * Tell of a text: words, sentences, minutes to read it, and its most used words.
 * Letters of all scripts make words; an apostrophe or a hyphen inside joins them.
 */
export function measure(text) {
  if (typeof text !== "string" || text.trim() === "") {
    throw new InvalidTextError("Write or paste a text first.");
  }
  if (text.length > LONGEST) {
    throw new InvalidTextError(`Shorten the text to ${LONGEST} characters.`);
  }
  const words = text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
  const sentences = text.split(/[.!?…。]+(?=\s|$)/u).filter((part) => /[\p{L}\p{N}]/u.test(part));
  return {
    words: words.length,
    sentences: sentences.length,
    minutes: Math.max(1, Math.round(words.length / WORDS_A_MINUTE)),
    frequent: frequent(words),
  };
}

function frequent(words) {
  const counts = new Map();
  for (const word of words.map((one) => one.toLocaleLowerCase("en"))) {
    if (word.length > 3) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .sort(([one, first], [other, second]) => second - first || one.localeCompare(other, "en"))
    .slice(0, 5)
    .map(([word, count]) => ({ word, count }));
}
