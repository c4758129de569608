import { signRequest } from '../auth/sign.ts';
import { KEY } from './startGateway.ts';

/** A problem or an accepted answer, as a test reads it. */
export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** One attempt at a signed POST of exactly these bytes; `change` falsifies what was signed. */
export async function post(
  url: string,
  body: string | Uint8Array,
  options: {
    idempotencyKey?: string;
    keyId?: string;
    secret?: string;
    nowS?: number;
    change?: (headers: Record<string, string>) => Record<string, string>;
    sentBody?: string;
  } = {},
): Promise<RawAnswer> {
  const bytes = Buffer.from(body);
  const headers = {
    ...signRequest({
      method: 'POST',
      url,
      body: bytes,
      keyId: options.keyId ?? KEY.keyId,
      secret: options.secret ?? KEY.secret,
      idempotencyKey: options.idempotencyKey ?? 'key-1',
      nowS: options.nowS ?? Math.floor(Date.now() / 1000),
      nonce: 'nonce-1',
    }),
  };
  return send(url, {
    method: 'POST',
    body: options.sentBody ?? bytes,
    headers: options.change ? options.change(headers) : headers,
  });
}

/** One request as it is. */
export async function send(url: string, init: RequestInit = {}): Promise<RawAnswer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    headers: response.headers,
    text,
    json: text === '' ? {} : JSON.parse(text),
  };
}
