import type { BusRecord } from '../platform/bus/bus.ts';
import type { IndexerContext } from './context.ts';
import { messagesOf } from './place.ts';
import type { Sink } from './sink.ts';

/** Messages in one publication. */
const RECORDS_MAX = 1_000;

/** Publishes a step's messages in order, one publication in flight. A repetition has the same n. */
export function createBusSink(context: IndexerContext): Sink {
  return {
    name: 'bus',
    async deliver({ content }) {
      const records = messagesOf(content, context.deployment.chainId).map(
        ({ key, message }): BusRecord => ({
          topic: context.stream.topic,
          partition: message.partition,
          key,
          value: JSON.stringify(message),
          headers: {
            deployment: message.deployment,
            epoch: String(message.epoch),
            step: String(message.step),
            n: String(message.n),
            id: message.id,
            sign: String(message.sign),
            type: message.type,
          },
        }),
      );
      for (let at = 0; at < records.length; at += RECORDS_MAX) {
        await context.bus.publish(records.slice(at, at + RECORDS_MAX));
      }
      context.crash('bus.published');
    },
  };
}
