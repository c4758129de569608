import { type ChdbFailure, TOO_MANY_ROWS_OR_BYTES } from './chdbProtocol.ts';

const MAX_SENTENCE_CHARS = 1_000;

/** Work that we refuse, in the engine's place. */
export class WorkRefused extends Error {
  readonly failure: ChdbFailure;

  constructor(failure: ChdbFailure) {
    super(failure.sentence);
    this.failure = failure;
  }
}

/** An answer beyond `maxBytes`. */
export function tooLarge(maxBytes: number): WorkRefused {
  return new WorkRefused({
    sentence: `got a larger answer, expected at most ${maxBytes} bytes`,
    clickhouseCode: TOO_MANY_ROWS_OR_BYTES,
  });
}

/** What to tell the parent of an error: the engine's own sentence and code. */
export function failureOf(error: unknown): ChdbFailure {
  if (error instanceof WorkRefused) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  // Not every error of the binding has the code as a number.
  const code = /\bCode: ([0-9]+)\. DB::Exception/.exec(message)?.[1];
  // What follows this is our own wrapping of a user's text.
  const [sentence = ''] = message.split(': In scope SELECT formatQuery', 1);
  return { sentence: sentence.slice(0, MAX_SENTENCE_CHARS), clickhouseCode: Number(code ?? 0) };
}
