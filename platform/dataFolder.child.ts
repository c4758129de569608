import { writeSync } from 'node:fs';
import { lockDataFolder, writeProcessFile } from './dataFolder.ts';

/** Holds a data folder, says so, and waits until it is killed or two minutes have passed. */
const [folder = ''] = process.argv.slice(2);
await lockDataFolder(folder);
await writeProcessFile(folder, { url: 'http://127.0.0.1:1', token: 'secret', pid: process.pid });
writeSync(1, 'locked\n');
setTimeout(() => {}, 120_000);
