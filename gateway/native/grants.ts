import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Address, encodeFunctionData, type Hex } from 'viem';
import { z } from 'zod';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import { insertCalls } from '../../ledger/calls.ts';
import { type Deployment, findDeployment } from '../../ledger/deployments.ts';
import { CroupierError } from '../../platform/errors.ts';
import { signedOf } from '../auth/requireSignature.ts';
import type { GatewayContext } from '../context.ts';
import { addResource } from '../http.ts';
import {
  addressSchema,
  amountSchema,
  momentSchema,
  parseBody,
  signatureSchema,
  textOf,
} from './body.ts';

const UINT32_MAX = 2 ** 32 - 1;
const UINT48_MAX = 2 ** 48 - 1;

const grantBodySchema = z.strictObject({
  player: addressSchema,
  deposit: z
    .strictObject({ amount: amountSchema, deadline: momentSchema, signature: signatureSchema })
    .optional(),
  grant: z.strictObject({
    buyIn: amountSchema,
    topUp: amountSchema,
    maxStake: amountSchema,
    expiry: momentSchema.max(UINT32_MAX),
    grantNo: z.int().min(1).max(UINT32_MAX),
  }),
  allow: z.strictObject({
    nonce: z.int().min(0).max(UINT48_MAX),
    expiry: momentSchema,
    deadline: momentSchema,
  }),
  signature: signatureSchema,
});

interface PlannedCall {
  readonly callKey: string;
  readonly to: Address;
  readonly data: Hex;
}

/**
 * `POST /v1/grants`: relays a player's permit and grant, for players without gas. The same body again
 * is the same calls. Whether the signatures are good the contracts say.
 */
export function grantRoutes(app: FastifyInstance, context: GatewayContext): void {
  addResource(app, 'POST', '/v1/grants', async (request, reply) => {
    const { provider, body } = signedOf(request);
    const grant = parseBody(grantBodySchema, textOf(body));
    const deployment = await findDeployment(context.ledger, provider.deployment);
    if (!deployment || deployment.state === 'retired') {
      throw new CroupierError({
        code: 'DEPLOYMENT_NOT_ACTIVE',
        errorClass: 'final',
        message: `got a grant for deployment ${provider.deployment}, expected the one in use`,
      });
    }
    const calls = await insertCalls(context.ledger, {
      deployment: deployment.deployment,
      calls: callsOf(deployment, grant),
    });
    const sit = calls.at(-1);
    if (!sit) throw new TypeError('a grant has at least one call');
    context.onCall();
    return reply.status(202).send({ call: sit.call, state: sit.state });
  });
}

function callsOf(deployment: Deployment, body: z.output<typeof grantBodySchema>): PlannedCall[] {
  const { player, deposit, grant, allow, signature } = body;
  const calls: PlannedCall[] = [];
  if (deposit) {
    const data = encodeFunctionData({
      abi: treasuryAbi,
      functionName: 'depositWithPermit',
      args: [player, deposit.amount, BigInt(deposit.deadline), deposit.signature],
    });
    calls.push(plannedCall('deposit', deployment.treasury as Address, data));
  }
  const data = encodeFunctionData({
    abi: betBookAbi,
    functionName: 'sit',
    args: [player, { operator: deployment.operator as Address, ...grant }, allow, signature],
  });
  calls.push(plannedCall('sit', deployment.bet_book as Address, data));
  return calls;
}

function plannedCall(kind: 'deposit' | 'sit', to: Address, data: Hex): PlannedCall {
  const content = createHash('sha256').update(`${to}:${data}`).digest('hex');
  return { callKey: `${kind}:${content}`, to, data };
}
