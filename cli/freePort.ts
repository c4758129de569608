import { once } from 'node:events';
import { createServer } from 'node:net';
import { CroupierError } from '../platform/errors.ts';

/**
 * Looks before anything is deployed whether the port can be had (0 always can).
 * @throws CroupierError `PORT_BUSY` (final)
 */
export async function checkPortFree(host: string, port: number): Promise<void> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new CroupierError({
      code: 'PORT_BUSY',
      errorClass: 'final',
      message: `got port ${port} of ${host}, which cannot be had, expected a free one: --port chooses another`,
      cause,
    });
  }
  server.close();
  await once(server, 'close');
}
