import { CRASH_POINTS, type Crash, noCrash } from '../platform/crash.ts';
import { CroupierError } from '../platform/errors.ts';

/**
 * The crash that `CROUPIER_CRASH=point:pass` asks for: this process is killed, as by `kill -9`, when
 * it passes the point for the `pass`th time. Without the variable nothing ever crashes.
 * @throws CroupierError `CRASH_POINT_UNKNOWN` (final)
 */
export function crashFromEnvironment(value: string | undefined): Crash {
  if (value === undefined || value === '') return noCrash;
  const [name, passText] = value.split(':');
  const point = CRASH_POINTS.find((known) => known === name);
  const pass = Number(passText ?? '1');
  if (!point || !Number.isInteger(pass) || pass < 1) {
    throw new CroupierError({
      code: 'CRASH_POINT_UNKNOWN',
      errorClass: 'final',
      message: `got CROUPIER_CRASH=${value}, expected point:pass with a point of ${CRASH_POINTS.join(', ')}.`,
    });
  }
  let passes = 0;
  return (passed) => {
    if (passed !== point) return;
    passes += 1;
    if (passes === pass) process.kill(process.pid, 'SIGKILL');
  };
}
