/** What the node tells its parent, once: where it listens, or why it does not. */
export type DevNodeReport =
  | { readonly port: number }
  | { readonly code: string; readonly reason: string };

function report(message: DevNodeReport, then: () => void): void {
  if (process.send) process.send(message, then);
  else then();
}

function fail(error: unknown): void {
  console.error(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = error instanceof Error ? error.message : String(error);
  report({ code, reason }, () => process.exit(1));
}

// Before Hardhat is loaded: the parent may be gone by the time it is.
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group, and the parent still needs the chain to finish its work.
process.on('SIGINT', () => {});
// Hardhat's server has no other way to say that it cannot listen.
process.on('uncaughtException', fail);

const [host = '', port = ''] = process.argv.slice(2);
const { network } = await import('hardhat');
const server = await network.createServer('croupier', host, Number(port));
const address = await server.listen();
report({ port: address.port }, () => {});
