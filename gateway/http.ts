import type {
  ConnectionError,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  RouteHandlerMethod,
} from 'fastify';
import { CroupierError } from '../platform/errors.ts';
import { problemOf } from './problems.ts';

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** The failures of Fastify that a client can cause, in our words. */
const FASTIFY_CODES: Readonly<Record<string, readonly [code: string, expected: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'got a body above the limit of this resource'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'MEDIA_TYPE_UNSUPPORTED',
    'got another Content-Type, expected application/json',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'BODY_INCOMPLETE',
    'got another number of bytes than Content-Length says',
  ],
  FST_ERR_BAD_URL: ['PATH_MALFORMED', 'got a path that is not percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: ['RESOURCE_UNKNOWN', 'got a path with too long a name in it'],
};

/** The failures of Node's HTTP parser that a client can cause. */
const PARSER_CODES: Readonly<Record<string, readonly [code: string, expected: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'got no whole request in time'],
};

/** Reads bodies as raw bytes, of JSON only; parsing is left to the route that checked them. */
export function readRawJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
}

/** The bytes that `readRawJson` left; none when there was no body. */
export function rawBody(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array();
}

/** Adds one resource: its own method, and the answer 405 to every other one. */
export function addResource(
  app: FastifyInstance,
  method: 'GET' | 'POST',
  url: string,
  handler: RouteHandlerMethod,
): void {
  app.route({ method, url, handler });
  const others = METHODS.filter(
    (other) => other !== method && !(method === 'GET' && other === 'HEAD'),
  );
  app.route({
    method: others,
    url,
    // Before the body is read: whatever it is, the method is the fault.
    onRequest: async (request, reply) => {
      reply.header('allow', method);
      throw new CroupierError({
        code: 'METHOD_NOT_ALLOWED',
        errorClass: 'final',
        message: `got ${request.method}, expected ${method}`,
      });
    },
    handler: () => undefined,
  });
}

/** Answers every error and every unknown path with an RFC 9457 problem. */
export function answerProblems(app: FastifyInstance, onError: (error: unknown) => void): void {
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const own = translated(error);
    if (!(own instanceof CroupierError) || own.errorClass === 'fatal') onError(own);
    return sendProblem(reply, own);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new CroupierError({
        code: 'RESOURCE_UNKNOWN',
        errorClass: 'final',
        message: `got ${request.method} of an unknown path, expected one of the API`,
      }),
    ),
  );
}

/** Answers an error with its problem. */
export function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, body } = problemOf(translated(error));
  return reply.status(status).header('content-type', PROBLEM_TYPE).send(body);
}

/** The whole response, as bytes on the socket, to something that is not an HTTP request. */
export function responseToBrokenHttp(error: ConnectionError): string {
  const [code, message] = PARSER_CODES[error.code] ?? ['HTTP_MALFORMED', 'got no HTTP/1.1 request'];
  const { status, body } = problemOf(new CroupierError({ code, errorClass: 'final', message }));
  return [
    `HTTP/1.1 ${status} ${status === 408 ? 'Request Timeout' : 'Bad Request'}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** The content type of a stored answer of the ledger, by its status. */
export function contentTypeOf(status: number): string {
  return status < 400 ? 'application/json; charset=utf-8' : PROBLEM_TYPE;
}

function translated(error: unknown): unknown {
  if (error instanceof CroupierError || !(error instanceof Error) || !('code' in error))
    return error;
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return new CroupierError({
      code: 'GATEWAY_TIMEOUT',
      errorClass: 'retryable',
      message: 'got no result in time; the same request with the same key may be repeated',
    });
  }
  const known = FASTIFY_CODES[String(error.code)];
  if (!known) return error;
  const [code, message] = known;
  return new CroupierError({ code, errorClass: 'final', message });
}
