// The compiler in a thread of its own: it takes seconds, in which the runner tests and obeys Ctrl-C.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const solc: {
  compile(
    input: string,
    callbacks: { import(path: string): { contents: string } | { error: string } },
  ): string;
} = require('solc');

parentPort?.on('message', (input: string) => {
  const output = solc.compile(input, {
    import: (unit) => {
      try {
        return { contents: readFileSync(require.resolve(unit), 'utf8') };
      } catch {
        return { error: `${unit} is not installed` };
      }
    },
  });
  parentPort?.postMessage(output);
});
