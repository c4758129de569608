import { writeSync } from 'node:fs';
import { startDevNode } from './devNode.ts';

/** Starts a node, says where it is, and waits until it is killed. */
const node = await startDevNode({ port: 0 });
writeSync(1, `${node.rpcUrl}\n`);
