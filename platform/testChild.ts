import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface TestChild {
  /** The next line of its standard output; throws when it ended without one. */
  nextLine(): Promise<string>;
  /** Ends it as a power loss would (SIGKILL), then answers the lines it still had written. */
  kill(): Promise<string[]>;
}

/** Runs a module of ours in a Node process of its own. */
export function startTestChild(module: URL, args: readonly string[]): TestChild {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(module), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (!child.stdout) throw new Error('got a child without output, expected a pipe');
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function nextLine(): Promise<string> {
    const line = await lines.next();
    if (line.done) throw new Error('got the end of the child, expected a line');
    return line.value;
  }

  async function kill(): Promise<string[]> {
    child.kill('SIGKILL');
    const rest: string[] = [];
    for (let line = await lines.next(); !line.done; line = await lines.next())
      rest.push(line.value);
    await closed;
    return rest;
  }

  return { nextLine, kill };
}
