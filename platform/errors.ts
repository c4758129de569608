/**
 * What a caller may do about a failure: `retryable` (the same call may succeed later), `final` (the
 * same call will never succeed), `fatal` (stop and let an operator judge).
 */
export type ErrorClass = 'retryable' | 'final' | 'fatal';

/** An error with a stable code. `message` says what was got and what was expected. */
export class CroupierError extends Error {
  override readonly name = 'CroupierError';
  readonly code: string;
  readonly errorClass: ErrorClass;
  /** Further public facts, safe to log and to answer: never a secret. */
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(args: {
    code: string;
    errorClass: ErrorClass;
    message: string;
    details?: Record<string, string | number | boolean>;
    cause?: unknown;
  }) {
    super(args.message, args.cause === undefined ? undefined : { cause: args.cause });
    this.code = args.code;
    this.errorClass = args.errorClass;
    this.details = args.details ?? {};
  }
}
