import type { Socket } from 'node:net';
import Fastify from 'fastify';
import { accept } from '../ledger/accept.ts';
import type { AccountCache } from '../ledger/accountCache.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import type { Answer, CanonicalRequest } from '../ledger/request.ts';
import { createBatcher } from '../platform/batcher.ts';
import { CroupierError } from '../platform/errors.ts';
import { type AdminHandlers, adminRoutes } from './admin.ts';
import { createKeyring } from './auth/keyring.ts';
import { requireSignature } from './auth/requireSignature.ts';
import type { GatewayContext } from './context.ts';
import { type Health, healthRoutes } from './health.ts';
import { answerProblems, readRawJson, responseToBrokenHttp, sendProblem } from './http.ts';
import { grantRoutes } from './native/grants.ts';
import { readRoutes } from './native/reads.ts';
import { requestRoutes } from './native/requests.ts';
import { sessionRoutes } from './native/sessions.ts';

/** Requests of one commit ([run]: beyond 64 a commit gains nothing). */
const SET_REQUESTS_MAX = 64;
/** Requests that wait for a commit: about a second of work. */
const QUEUED_REQUESTS_MAX = 4_096;
const BODY_BYTES_MAX = 16_384;
/** How long a client may take to send its request. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long an answer may take; after it the outcome is unknown to the client. */
const HANDLER_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 72_000;
/** A name of 128 characters, percent-encoded. */
const CLOSE_IDLE_INTERVAL_MS = 50;
const PATH_PART_CHARS_MAX = 3 * 128;

/** HTTP in: the native API, public reads, health and administration. */
export interface Gateway {
  /**
   * Starts to listen; resolves to the base URL.
   * @throws CroupierError `PORT_BUSY` (final)
   */
  listen(): Promise<string>;
  /** Answers what has arrived, then stops. */
  close(): Promise<void>;
}

/**
 * Builds the gateway. `onAccepted` is called after each set of requests with an accepted one, and
 * `onCall` when a call outside lanes was written down: whoever plans them may be woken. `onError`
 * gets failures that are nobody's request's fault. Seats that requests change are kept in `accounts`
 * before these are answered. With port 0 the system chooses a free one.
 * `publicOrigin` (scheme, host and port) is what providers address and sign where a proxy stands in
 * front; without it the Host header says.
 */
export function createGateway(args: {
  ledger: LedgerContext;
  accounts: AccountCache;
  currentDeployment: () => string;
  host: string;
  port: number;
  publicOrigin?: string;
  operatorToken: string;
  admin: AdminHandlers;
  health: () => Promise<Health>;
  randomBytes: (size: number) => Uint8Array;
  onAccepted: () => void;
  onCall: () => void;
  onError: (error: unknown) => void;
}): Gateway {
  const batcher = createBatcher<CanonicalRequest, Answer>({
    maxItems: SET_REQUESTS_MAX,
    maxQueued: QUEUED_REQUESTS_MAX,
    run: async (requests) => {
      const { answers, written } = await accept(args.ledger, requests);
      if (answers.some((answer) => answer.outcome === 'accepted')) args.onAccepted();
      await args.accounts.keep(written);
      return answers;
    },
  });
  const context: GatewayContext = {
    ledger: args.ledger,
    accounts: args.accounts,
    keyring: createKeyring(args.ledger),
    currentDeployment: args.currentDeployment,
    publicOrigin: args.publicOrigin,
    accept: batcher.add,
    randomBytes: args.randomBytes,
    onCall: args.onCall,
  };

  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    handlerTimeout: HANDLER_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_PART_CHARS_MAX },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error),
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(responseToBrokenHttp(error));
      else socket.destroy();
    },
  });
  answerProblems(app, args.onError);
  readRawJson(app);
  healthRoutes(app, args);
  readRoutes(app, context);
  app.register(async (signed) => {
    requireSignature(signed, context);
    requestRoutes(signed, context);
    grantRoutes(signed, context);
    sessionRoutes(signed, context);
  });
  app.register(async (operators) => {
    adminRoutes(operators, { admin: args.admin, operatorToken: args.operatorToken });
  });

  async function listen(): Promise<string> {
    try {
      return await app.listen({ host: args.host, port: args.port });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      throw new CroupierError({
        code: 'PORT_BUSY',
        errorClass: 'final',
        message: `got port ${args.port} of ${args.host} in use, expected a free one`,
      });
    }
  }

  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });

  async function close(): Promise<void> {
    // Both would stay for a minute: a connection whose answer is out only after the server closed, and
    // one that a client opened beforehand and that never brought a byte, which Node does not call idle.
    const idle = setInterval(() => {
      app.server.closeIdleConnections();
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    }, CLOSE_IDLE_INTERVAL_MS);
    try {
      await app.close();
    } finally {
      clearInterval(idle);
    }
  }

  return { listen, close };
}
