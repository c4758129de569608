import type { FastifyInstance } from 'fastify';
import { findDeployment } from '../ledger/deployments.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import { addResource } from './http.ts';

/** What the services say of themselves; `details` (lags, queues) are shown as they are. */
export interface Health {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** `GET /livez`: the process answers. `GET /readyz`: 200 when it keeps up, else 503, with the reasons. */
export function healthRoutes(
  app: FastifyInstance,
  args: { ledger: LedgerContext; currentDeployment: () => string; health: () => Promise<Health> },
): void {
  addResource(app, 'GET', '/livez', async () => ({ live: true }));

  addResource(app, 'GET', '/readyz', async (_request, reply) => {
    const deployment = args.currentDeployment();
    const [ledger, health] = await Promise.all([
      findDeployment(args.ledger, deployment).then(
        (row) => row?.state ?? 'unknown deployment',
        () => 'unreachable',
      ),
      args.health().catch(() => ({ ready: false, details: { health: 'unreachable' } })),
    ]);
    const ready = health.ready && ledger === 'active';
    reply.status(ready ? 200 : 503);
    return { ready, deployment, ledger, ...health.details };
  });
}
